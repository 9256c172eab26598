"""The review queue: open findings group by group, decided after a preview, and withdrawn."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.support import admin_client
from tests.support.admin_client import platform_admin, read_only_staff
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on
from vital.db import own_schema

USERS = {"table": "public.users", "check": "rows of users that match no rule"}
DECIDED = "SELECT count(*) FROM vital.override"


@pytest.fixture
def on_migrated(migrated: Scratch, django_db_blocker: Any) -> Iterator[Scratch]:
    with django_on(migrated.owner_url, django_db_blocker):
        yield migrated


def page(client: Client, **where: Any) -> str:
    answer = client.get(reverse("admin:migrations_ops_finding_queue"), where)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def keys_on(page: str) -> list[str]:
    return re.findall(r'name="_selected_action" value="([^"]+)"', page)


def decide(client: Client, where: dict[str, str], **words: Any) -> str:
    """Preview, say yes, and return the page that follows."""
    address = reverse("admin:migrations_ops_finding_queue") + "?" + "&".join(f"{n}={v}" for n, v in where.items())
    sent = {"tenant": "pharma", "reason": "they work there"} | words
    foreseen = client.post(address, sent).content.decode()
    token = re.search(r'name="token" value="(\w+)"', foreseen)
    assert token, admin_client.visible_text(foreseen)
    return client.post(
        address, sent | {"_selected_action": keys_on(foreseen), "token": token[1]}, follow=True
    ).content.decode()


def test_groups_come_in_the_order_in_which_they_matter(on_migrated: Scratch) -> None:
    admin = platform_admin()

    first = page(admin)

    assert re.search(r"\d+ rows in \d groups need a decision", admin_client.visible_text(first))
    listed = re.findall(r'href="\?table=public\.(\w+)&', first.split('aria-labelledby="group"')[0])
    assert listed[:3] == ["users", "conversations", "messages"], "what others follow comes first, what no rule knows"


@pytest.mark.slow
def test_a_long_group_is_turned_over_page_by_page(on_migrated: Scratch) -> None:
    admin = platform_admin()
    messages = {"table": "public.messages", "check": "rows of messages that match no rule"}
    ((every,),) = rows(on_migrated.admin_url, "SELECT count(*) FROM messages WHERE tenant_id IS NULL")
    shown: list[str] = []

    after = 0
    while keys := keys_on(one := page(admin, **messages, after=after)):
        assert len(keys) <= 25
        shown += keys
        further = re.findall(r"after=(\d+)", one)
        if not further:
            break
        after = int(further[0])

    assert len(shown) == len(set(shown)) == every


def test_a_group_is_narrowed_by_a_value_its_rows_share(on_migrated: Scratch) -> None:
    ((domain, people),) = rows(
        on_migrated.admin_url,
        "SELECT role, count(*) FROM users WHERE tenant_id IS NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 1",
    )
    admin = platform_admin()
    assert f"role: {domain}" in admin_client.visible_text(page(admin, **USERS))

    narrowed = page(admin, **USERS, column="role", value=domain)

    assert len(keys_on(narrowed)) == people
    nothing = page(admin, **USERS, column="role", value="x' OR 'a'='a")
    assert keys_on(nothing) == []


@pytest.mark.slow
def test_what_is_decided_leaves_the_queue_and_comes_back_when_it_is_taken_back(on_migrated: Scratch) -> None:
    admin = platform_admin()
    before = keys_on(page(admin, **USERS))
    chosen = before[:2]

    done = decide(admin, USERS, _selected_action=chosen)

    assert "2 of 2 decisions are carried out" in admin_client.visible_text(done)
    assert set(keys_on(done)) == set(before) - set(chosen)
    found = dict(rows(on_migrated.admin_url, "SELECT id::text, tenant_id::text FROM users"))
    assert [found[key] for key in chosen] == [PHARMA, PHARMA]
    assert "they work there" in done  # the reason is there for the next ones

    back = admin.post(reverse("admin:migrations_ops_finding_queue_back"), follow=True).content.decode()

    assert "2 decisions are withdrawn" in admin_client.visible_text(back)
    found = dict(rows(on_migrated.admin_url, "SELECT id::text, tenant_id::text FROM users"))
    assert [found[key] for key in chosen] == [None, None]
    assert set(keys_on(page(admin, **USERS))) == set(before)
    again = admin.post(reverse("admin:migrations_ops_finding_queue_back"), follow=True).content.decode()
    assert "no decision that stands" in admin_client.visible_text(again)


def test_a_whole_group_is_decided_at_once(on_migrated: Scratch) -> None:
    admin = platform_admin()
    ((people,),) = rows(on_migrated.admin_url, "SELECT count(*) FROM users WHERE tenant_id IS NULL")

    done = decide(admin, USERS, whole="1")

    assert f"{people} of {people} decisions are carried out" in admin_client.visible_text(done)
    assert rows(on_migrated.admin_url, "SELECT count(*) FROM users WHERE tenant_id IS NULL") == [(0,)]
    assert "users: rows of users" not in admin_client.visible_text(page(admin))


def test_what_somebody_else_decided_meanwhile_is_not_overruled_unseen(on_migrated: Scratch, manage: Manage) -> None:
    admin = platform_admin()
    key = keys_on(page(admin, **USERS))[0]
    address = reverse("admin:migrations_ops_finding_queue") + f"?table=public.users&check={USERS['check']}"
    sent = {"tenant": "pharma", "reason": "mine", "_selected_action": [key]}
    foreseen = admin.post(address, sent).content.decode()
    token = re.search(r'name="token" value="(\w+)"', foreseen)
    assert token
    other = manage(
        on_migrated, "migrate_tenants", "decide", "users", key, "digital-health", "--reason", "theirs", "--yes"
    )
    assert other.returncode == 0, said(other)

    refused = admin.post(address, sent | {"token": token[1]}).content.decode()

    assert "One of these rows has been decided since they were shown" in admin_client.visible_text(refused)
    assert rows(on_migrated.admin_url, "SELECT reason FROM vital.override") == [("theirs",)]


def test_suggestions_come_by_themselves_and_lead_to_their_rows(on_migrated: Scratch) -> None:
    admin = platform_admin()

    part = admin.get(reverse("admin:migrations_ops_finding_queue_suggestions"), USERS)

    assert part.status_code == 200
    assert "<html" not in part.content.decode()
    assert admin_client.visible_text(part.content.decode())


@pytest.mark.parametrize("where", [{"table": "public.nothing"}, {"table": "x", "after": "-1"}, {"after": "9" * 40}])
def test_an_odd_place_is_the_first_group(on_migrated: Scratch, where: dict[str, str]) -> None:
    admin = platform_admin()
    assert keys_on(page(admin, **where)) == keys_on(page(admin))


def test_who_may_only_look_reviews_nothing(on_migrated: Scratch) -> None:
    staff = read_only_staff()
    for name in ("queue", "queue_back", "queue_suggestions"):
        assert staff.post(reverse(f"admin:migrations_ops_finding_{name}"), USERS).status_code == 403, name
    assert rows(on_migrated.admin_url, DECIDED) == [(0,)]


def test_before_anything_was_checked_it_is_not_called_done(legacy: Scratch, django_db_blocker: Any) -> None:
    with django_on(legacy.owner_url, django_db_blocker):
        own_schema.bring_up_to_date()
        assert "Nothing was checked yet" in page(platform_admin())
