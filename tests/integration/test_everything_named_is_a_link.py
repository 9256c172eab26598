"""Whatever a list or a row's page names is a link that opens: for those who may open it."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.html import conditional_escape

from migrations_ops.models import AuditEvent, Finding, LedgerEntry, Override
from tenants.admin.links import KINDS, names_of
from tenants.models import ApiKey, Membership
from tests.support import databases
from tests.support.admin_client import platform_admin
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on

# List → its columns that name things.
LISTS = {
    **dict.fromkeys(
        [f"catalog_{name}" for name in ("tool", "agent", "prompt", "knowledgedomain", "knowledgesource")],
        ("called", "tenant", "rule", "run"),
    ),
    "catalog_platformuser": ("called", "tenant"),
    "catalog_conversation": ("called", "tenant", "rule", "run"),
    "migrations_ops_ledgerentry": ("id", "relation", "rule", "phase", "run_id"),
    "migrations_ops_finding": ("message", "key", "relation", "check_name"),
    "migrations_ops_override": ("reason", "key", "relation", "tenant_id", "run", "decided_by"),
    "migrations_ops_auditevent": ("at", "who", "about"),
    "tenants_tenant": ("record",),
    "tenants_apikey": ("tenants",),
    "tenants_membership": ("user", "tenant_id"),
    "tenants_tenantrecord": ("name",),
    "auth_user": ("username",),
    "auth_group": ("__str__",),
    "migrations_ops_run": ("name",),
    "catalog_knowledgechunk": ("called", "tenant", "rule", "run"),
}
PLAIN = re.compile(r"-|\S*@\S*|[a-z]+ (?![0-9]+$).*")  # nothing; a database login's; what is no name: "rows 17"


@pytest.fixture(scope="module")
def site(migrated_template: Scratch, manage: Manage, django_db_blocker: Any) -> Iterator[tuple[Client, Scratch]]:
    """A migrated database with a decision, a key, a membership, and what the audit has of them."""
    scratch = databases.clone(migrated_template)
    tool = databases.rows(scratch.admin_url, "SELECT id::text FROM tools ORDER BY id LIMIT 1")[0][0]
    done = manage(scratch, "migrate_tenants", "decide", "tools", tool, "pharma", "--reason", "theirs", "--yes")
    assert done.returncode == 0, said(done)
    with django_on(scratch.owner_url, django_db_blocker):
        client = platform_admin()
        who = User.objects.get(username="platform-admin")
        Override.objects.update(decided_by=who.username)
        Group.objects.create(name="readers")
        form = {"name": "reports", "tenants": PHARMA, "scope": "read", "expires_at_0": "", "expires_at_1": ""}
        client.post(reverse("admin:tenants_apikey_add"), form)
        client.post(reverse("admin:tenants_membership_add"), {"user": who.pk, "tenant_id": PHARMA, "role": "user"})
        yield client, scratch
    databases.drop(scratch)


def shown_rows(page: str) -> list[dict[str, str]]:
    """Each row of the list: column → its cell."""
    rows = page.split('id="result_list"')[1].split("<tr")[2:]
    return [dict(re.findall(r'<t[dh] class="field-(\w+)[^>]*>(.*?)</t[dh]>', row, re.DOTALL)) for row in rows]


def hrefs(part: str) -> list[str]:
    return [html.unescape(address) for address in re.findall(r'href="([^"#]*)', part)]


def text(part: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", part)).split())


def test_every_list_is_in_the_table(site: tuple[Client, Scratch]) -> None:
    there = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    assert there - {"tenants_maintenance"} == set(LISTS), "a list that is new: which of its columns name something?"


@pytest.mark.parametrize("name", LISTS)
def test_named_things_in_lists_are_links_that_open(site: tuple[Client, Scratch], name: str) -> None:
    client, _ = site
    rows = shown_rows(client.get(reverse(f"admin:{name}_changelist")).content.decode())
    opened: set[str] = set()
    for column in LISTS[name]:
        for row in rows:
            without_page = "relation" in row and not hrefs(row["relation"])  # a table of which no rows are shown
            assert hrefs(row[column]) or without_page or PLAIN.fullmatch(text(row[column])), (column, text(row[column]))
            opened |= set(hrefs(row[column]))
        assert any(hrefs(row[column]) for row in rows), f"{name}.{column}: not one link"
    for address in sorted(opened)[:40]:
        assert client.get(address, follow=True).status_code == 200, address


DETAILS: dict[str, tuple[Any, set[str]]] = {
    "ledgerentry": (lambda: LedgerEntry.objects.filter(relation="public.tools", run_id__isnull=False).first(),
                    {"migrations_ops/run/", "catalog/tool/"}),
    "finding": (lambda: Finding.objects.filter(relation="public.users").exclude(key="").first(),
                {"catalog/platformuser/", "migrations_ops/run/", "migrations_ops/finding/"}),
    "override": (lambda: Override.objects.first(), {"catalog/tool/", "tenants/tenantrecord/", "migrations_ops/run/"}),
    "auditevent": (lambda: AuditEvent.objects.filter(action="add member").first(),
                   {"auth/user/", "tenants/tenantrecord/"}),
}  # fmt: skip


@pytest.mark.parametrize("name", DETAILS)
def test_named_things_on_a_rows_page_are_links_that_open(site: tuple[Client, Scratch], name: str) -> None:
    client, _ = site
    row = DETAILS[name][0]()
    answer = client.get(reverse(f"admin:migrations_ops_{name}_change", args=[row.pk]))
    assert answer.status_code == 200
    links = hrefs(answer.content.decode().split('id="content"')[1])

    for part in DETAILS[name][1]:
        to_it = [address for address in links if part in address]
        assert to_it, (part, links)
        assert client.get(to_it[0], follow=True).status_code == 200


def test_an_assigned_row_leads_to_its_tenant_its_rule_and_its_run(site: tuple[Client, Scratch]) -> None:
    client, scratch = site
    ((key,),) = databases.rows(scratch.admin_url, "SELECT key FROM vital.override")
    page = client.get(reverse("admin:catalog_tool_change", args=[key])).content.decode()
    history = page.split('aria-labelledby="why"')[1].split("</section>")[0]

    links = hrefs(history)
    for part in ("tenants/tenantrecord/", "migrations_ops/ledgerentry/?", "migrations_ops/run/"):
        to_it = [address for address in links if part in address]
        assert to_it, (part, links)
        assert client.get(to_it[0], follow=True).status_code == 200


def test_to_whoever_may_not_open_the_page_a_name_is_only_a_name(site: tuple[Client, Scratch]) -> None:
    user = User.objects.create_user("reads-the-ledger", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_ledgerentry"))
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(pk=user.pk)

    assert "href" not in names_of(request).link("tenant", PHARMA)
    assert names_of(request).link("tenant", PHARMA) == "Pharmaceuticals"
    assert "href" in names_of(request).link("rule", ("public.tools", "x"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_is_no_link_and_no_error(site: tuple[Client, Scratch], kind: str) -> None:
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(username="platform-admin")
    keys = {"run": 10**6, "phase": (10**6, "x"), "row": ("public.tools", "no key"), "table": "public.nothing",
            "rule": ("public.nothing", "<b>"), "rows of rule": ("public.nothing", "x"),
            "check": ("x", "<b>")}  # fmt: skip
    by_number = kind in ("finding", "decision", "ledger entry", "audit entry")
    link = conditional_escape(names_of(request).link(kind, keys.get(kind, 10**6 if by_number else "<b>")))

    assert "<b>" not in link
    assert "href" not in link or kind in ("rule", "check")


def test_there_is_a_row_for_every_named_thing(site: tuple[Client, Scratch]) -> None:
    assert ApiKey.objects.count() == Membership.objects.count() == Override.objects.count() == 1


def test_a_rows_page_has_each_field_once(site: tuple[Client, Scratch]) -> None:
    client, database = site
    ((tool,),) = databases.rows(database.admin_url, "SELECT id::text FROM tools ORDER BY id LIMIT 1")

    form = client.get(reverse("admin:catalog_tool_change", args=[tool])).context["adminform"]

    names = [getattr(field, "name", field) for _, options in form.fieldsets for field in options["fields"]]
    assert "tenant" in names
    assert len(names) == len(set(names))
    assert not {"rule", "run"} & set(names), "the assignment history says them"
