"""What the first page names is a link to where it is looked at, and its figures are those behind the link."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from migrations_ops.admin import traffic_chart
from migrations_ops.reports import service as reports
from migrations_ops.reports import traffic
from tenants.models import NO_TENANT
from tests.support.admin_client import platform_admin, visible_text
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on

ADD = "INSERT INTO vital.traffic (hour, tenant_id, requests, refused, failed) VALUES (%s, %s, %s, %s, %s)"


@pytest.fixture
def admin(migrated: Scratch, django_db_blocker: Any) -> Iterator[tuple[Client, Scratch]]:
    with django_on(migrated.owner_url, django_db_blocker):
        for memory in (reports._now, reports._ownership, reports._traffic):
            memory.forget()
        yield platform_admin(), migrated


def section(page: str, name: str) -> str:
    found = re.search(rf'<section[^>]*aria-labelledby="{name}">(.*?)</section>', page, re.DOTALL)
    assert found, name
    return found[1]


def links(part: str) -> dict[str, str]:
    """Address → the words of its first link."""
    found: dict[str, str] = {}
    for where, words in re.findall(r'<a[^>]*href="([^"]*)"[^>]*>(.*?)</a>', part, re.DOTALL):
        found.setdefault(html.unescape(where), visible_text(words))
    return found


def test_every_link_of_the_page_leads_somewhere(admin: tuple[Client, Scratch]) -> None:
    client, database = admin
    rows(database.admin_url, "ALTER TABLE prompts NO FORCE ROW LEVEL SECURITY")
    rows(database.admin_url, ADD, [datetime.now(UTC).replace(minute=0, second=0, microsecond=0), PHARMA, 3, 1, 0])
    page = client.get("/admin/").content.decode()

    found = links(page[page.index('id="dashboard"') :])
    for where in found:
        if where.startswith("/admin/") and "logout" not in where:
            assert client.get(where).status_code == 200, where
        elif where.startswith("#"):
            assert f'id="{where[1:]}"' in page, where
    words = set(found.values())
    assert {"Pharmaceuticals", "prompts", "messages", "Run 1", "Row level security", "Review the findings"} <= words


def test_a_part_of_a_bar_leads_to_these_rows_alone(admin: tuple[Client, Scratch]) -> None:
    client, database = admin
    ((expected,),) = rows(database.admin_url, "SELECT count(*) FROM agents WHERE tenant_id = %s", [PHARMA])
    owners = links(section(client.get("/admin/").content.decode(), "owners"))

    where, words = next((where, words) for where, words in owners.items() if words.startswith("agents, Pharma"))

    assert words == f"agents, Pharmaceuticals: {expected}."
    assert client.get(where).context["cl"].result_count == expected


def test_private_tables_and_those_without_a_list_are_there_too(admin: tuple[Client, Scratch]) -> None:
    client, _ = admin
    owners = section(client.get("/admin/").content.decode(), "owners")

    text, found = visible_text(owners), links(owners)
    assert re.search(r"users private, [\d,]+", text)
    assert found["/admin/migrations_ops/ledgerentry/?relation=public.messages"] == "messages"


def test_the_busiest_tenants_are_shown_each_and_all_others_together(admin: tuple[Client, Scratch]) -> None:
    client, database = admin
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for number in range(20):
        rows(database.admin_url, ADD, [hour - timedelta(hours=number), str(UUID(int=900 + number)), 10, 1, 2])
    rows(database.admin_url, ADD, [hour, PHARMA, 5000, 40, 3])
    rows(database.admin_url, ADD, [hour - timedelta(hours=23), DIGITAL_HEALTH, 700, 0, 0])
    rows(database.admin_url, ADD, [hour - timedelta(hours=24), DIGITAL_HEALTH, 999_999, 0, 0])
    rows(database.admin_url, ADD, [hour, NO_TENANT, 60, 60, 0])

    page = section(client.get("/admin/").content.decode(), "traffic")

    text = visible_text(page)
    assert "Pharmaceuticals 5,000 40 3" in text
    assert "Digital Health Startup 700 0 0" in text
    assert f"all others {(20 - traffic.MOST + 2) * 10} 16 32" in text
    assert "no tenant 60 60 0" in text
    assert links(page)[f"/admin/tenants/tenantrecord/{PHARMA}/change/"] == "Pharmaceuticals"
    assert f"{hour:%H:%M} UTC, Pharmaceuticals: 5,000" in page
    assert "999,999" not in page


@pytest.mark.parametrize("most", [1, 7, 10**9])
def test_bars_are_as_high_as_their_figures(most: int) -> None:
    counts = [{"requests": most * (place == 23), "refused": 0, "failed": most * (place == 0)} for place in range(24)]
    one = {"id": "", "name": "all", "by_hour": counts, "requests": most, "refused": 0, "failed": most}
    two = one | {"by_hour": [hour | {"requests": hour["requests"] // 2} for hour in counts]}

    made = traffic_chart.chart({"hours": [3600 * place for place in range(24)], "tenants": [one, two]})

    assert made
    bars = made["requests"]["bars"]
    assert sum(float(bar["height"]) for bar in bars) == pytest.approx(float(made["requests"]["height"]), abs=0.02)
    assert float(bars[0]["height"]) >= float(bars[-1]["height"])
    assert {float(bar["x"]) for bar in bars} == {made["width"] - traffic_chart.WIDTH + traffic_chart.GAP / 2}
    assert [bar["title"] for bar in made["errors"]["bars"]] == [f"00:00 UTC, failed (5xx): {2 * most:,}"]


def test_without_requests_the_page_says_so(admin: tuple[Client, Scratch]) -> None:
    client, _ = admin

    assert "No API requests" in visible_text(section(client.get("/admin/").content.decode(), "traffic"))
