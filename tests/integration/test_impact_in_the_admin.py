"""Whoever may start a run pastes an application's statements into the admin, and sees which of them break."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import statements
from tests.support.admin_client import address, platform_admin, read_only_staff, visible_text
from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on
from vital.db import own_schema

CONFLICT = "INSERT INTO tools (tool_key) VALUES ($1) ON CONFLICT (tool_key) DO NOTHING"


@pytest.fixture
def on_migrated(migrated: Scratch, django_db_blocker: Any) -> Iterator[Scratch]:
    with django_on(migrated.owner_url, django_db_blocker):
        yield migrated


@pytest.fixture
def on_legacy(legacy: Scratch, django_db_blocker: Any) -> Iterator[Scratch]:
    with django_on(legacy.owner_url, django_db_blocker):
        own_schema.bring_up_to_date()
        yield legacy


def asked(**form: str) -> str:
    answer = platform_admin().post(address("impact"), form)
    assert answer.status_code == 200
    return answer.content.decode()


def test_each_trouble_is_shown_with_what_to_change_and_links_to_its_table(on_migrated: Scratch) -> None:
    rows(on_migrated.owner_url, statements.OBJECTS)

    page = asked(text=statements.text())

    shown = visible_text(page)
    assert "Statements break" in shown
    assert "28 statements of the text tried on this database: 20 fine, 8 findings, of which 6 break." in shown
    for kind, (table, _) in statements.TROUBLES.items():
        assert f": {kind} · {table}" in shown
    assert "Say ON CONFLICT (tenant_id, tool_key), and give the row's tenant_id." in shown
    assert f'href="{address("changelist").replace("migrations_ops/run", "catalog/tool")}"' in page


def test_nothing_of_it_is_carried_out(on_migrated: Scratch) -> None:
    before = rows(on_migrated.admin_url, "SELECT count(*), sum(hashtext(t::text)) FROM tools AS t")

    shown = visible_text(asked(text="DELETE FROM tools; UPDATE tools SET name = 'x'; SELECT pg_sleep(60), 1/0;"))

    assert "Nothing breaks" in shown
    assert rows(on_migrated.admin_url, "SELECT count(*), sum(hashtext(t::text)) FROM tools AS t") == before


def test_while_isolation_is_off_their_text_alone_is_read(on_legacy: Scratch) -> None:
    shown = visible_text(asked(text=f"{CONFLICT}; SELECT 1", role="app"))

    assert "2 statements of the text read. None was tried: isolation is off." in shown
    assert "tools : ON CONFLICT on (tool_key), which becomes unique in each tenant, will fail" in shown
    assert "(sent 1 time by app)" in shown


@pytest.mark.parametrize("text", ["", "SET work_mem = '1GB'; BEGIN;", "-- nothing"])
def test_where_there_are_none_it_says_so(on_migrated: Scratch, text: str) -> None:
    assert "There are no statements at hand" in visible_text(asked(text=text))


def test_what_is_no_sql_is_listed_as_not_tried(on_migrated: Scratch) -> None:
    shown = visible_text(asked(text="SELEC 1; <script>alert(1)</script>; SELECT 1"))

    assert "Not tried" in shown
    assert "it is none that can be explained: SELEC $1" in shown


def test_more_than_a_page_can_wait_for_are_not_tried(on_migrated: Scratch) -> None:
    many = ";".join(f"SELECT id AS a{number} FROM tools" for number in range(310))

    assert "300 statements of the text tried" in visible_text(asked(text=many))


def test_whoever_only_looks_may_not_and_is_not_led_there(on_migrated: Scratch) -> None:
    staff = read_only_staff()

    assert staff.get(address("impact")).status_code == 403
    assert staff.post(address("impact"), {"text": CONFLICT}).status_code == 403
    assert address("impact") not in staff.get(address("changelist")).content.decode()


def test_the_sidebar_marks_the_page_and_not_the_runs(on_migrated: Scratch) -> None:
    answer = platform_admin().get(address("impact"))

    active = [
        item["title"] for group in answer.context["sidebar_navigation"] for item in group["items"] if item["active"]
    ]
    assert active == ["Impact"]
