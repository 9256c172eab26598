"""A tenant's page for the Platform's admins: settings, suspending and resuming, keys and members, each audited."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tenants import resolution
from tests.support import databases, patience
from tests.support.admin_client import platform_admin_by_role
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on_the_cast
from vital.db import scope as context

ADMIN = "the-platform"
PAGE = "/admin/tenants/tenantrecord/{}/change/"
ASKED = {"confirmed": "yes"}  # what the question's page sends along


@pytest.fixture(scope="module")
def database(
    server_url: str, migrated_template: Scratch, manage: Manage, django_db_blocker: pytest.FixtureRequest
) -> Iterator[Scratch]:
    with django_on_the_cast(server_url, migrated_template, manage, django_db_blocker) as scratch:
        yield scratch


@pytest.fixture(scope="module")
def admin(database: Scratch) -> Client:
    return platform_admin_by_role(ADMIN)


def filled_in(client: Client, **changes: str) -> dict[str, str]:
    """The settings as the page shows them, with these changed; and the values that it sends along."""
    form = client.get(PAGE.format(PHARMA)).context["forms"]["settings"]
    sent = {name: field.initial for name, field in form.fields.items() if name != "reason"}
    shown = {f"initial-{name}": value for name, value in sent.items()}
    return (
        sent
        | shown
        | {name.replace("__", "."): value for name, value in changes.items()}
        | ASKED
        | {"what": "settings"}
    )


def last(database: Scratch) -> tuple[str, str, str, Any]:
    found = databases.rows(database.admin_url, "SELECT who, action, reason, facts FROM vital.audit ORDER BY id DESC")
    return found[0]


def stored(database: Scratch, tenant: str = PHARMA) -> Any:
    return databases.rows(database.admin_url, "SELECT settings, is_active FROM tenants WHERE id = %s", [tenant])[0]


def test_the_page_says_what_the_tenant_has(admin: Client, database: Scratch) -> None:
    page = admin.get(PAGE.format(PHARMA))
    agents = databases.rows(database.admin_url, "SELECT count(*) FROM agents WHERE tenant_id = %s", [PHARMA])[0][0]

    assert page.context["tenant"]["rows"]["agents"] == agents
    assert f"tenants env {page.context['tenant']['slug']}" in page.content.decode()
    assert admin.get(PAGE.format("99999999-0000-4000-8000-000000000000")).status_code == 404


FOUND = """
    INSERT INTO vital.finding (phase, check_name, severity, relation, key, message, run_id)
    SELECT '005_post_validation', 'a check', 'WARN', relation, key, message, 1
    FROM (
        SELECT 'public.agents', id::text, 'agent of ' || tenant_id FROM agents
        UNION ALL VALUES ('public.agents', '', 'about the table'), ('public.messages', '1/2', 'of another kind of key')
    ) AS found (relation, key, message)
"""


def test_its_findings_are_about_its_rows(admin: Client, database: Scratch) -> None:
    databases.rows(database.admin_url, FOUND)
    tables = {row["table"]: row for row in admin.get(PAGE.format(PHARMA)).context["rows"]}

    page = admin.get(tables["agents"]["findings"])

    found = {finding.message for finding in page.context["cl"].result_list}
    assert found == {f"agent of {PHARMA}"}
    assert "Pharmaceuticals" in page.content.decode()
    every = admin.get(f"/admin/migrations_ops/finding/?tenant={PHARMA}")
    assert found <= {finding.message for finding in every.context["cl"].result_list}


@pytest.mark.parametrize("nobody", ["x", "99999999-0000-4000-8000-000000000000"])
def test_findings_of_no_tenant_are_none(admin: Client, nobody: str) -> None:
    page = admin.get(f"/admin/migrations_ops/finding/?tenant={nobody}", follow=True)

    assert page.status_code == 200
    assert page.redirect_chain == [("/admin/migrations_ops/finding/?e=1", 302)]


def test_a_setting_is_changed_by_name_and_reason_and_counts_within_a_second(admin: Client, database: Scratch) -> None:
    before = stored(database, DIGITAL_HEALTH)
    form = filled_in(admin, limits__max_tools="7", features__tool_management="true", reason="ordered")

    told = admin.post(PAGE.format(PHARMA), form, follow=True).content.decode()

    assert "2 settings are changed" in told
    who, action, reason, facts = last(database)
    assert (who, action, reason) == (ADMIN, "configure tenant", "ordered")
    assert facts["changed"] == {"limits.max_tools": [100, 7], "features.tool_management": [False, True]}
    patience.wait(1)
    assert resolution.active_tenants()[PHARMA].limit("max_tools") == 7
    assert stored(database, DIGITAL_HEALTH) == before
    back = filled_in(admin, limits__max_tools="100", features__tool_management="false", reason="back")
    admin.post(PAGE.format(PHARMA), back)
    assert stored(database)[0]["limits"]["max_tools"] == 100


def test_a_page_that_was_open_for_long_sets_nothing_of_others_back(admin: Client, database: Scratch) -> None:
    opened_before = filled_in(admin, limits__max_agents="251", reason="one")
    admin.post(PAGE.format(PHARMA), filled_in(admin, limits__max_conversations="60000", reason="two"))

    admin.post(PAGE.format(PHARMA), opened_before)

    limits = stored(database)[0]["limits"]
    assert (limits["max_agents"], limits["max_conversations"]) == (251, 60000)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"limits__max_tools": "many", "reason": "x"}, "limits.max_tools must be a whole number"),
        ({"features__rag_enabled": "perhaps", "reason": "x"}, "is not one of the available choices"),
        ({"limits__max_tools": "1"}, "This field is required"),
        ({"name": "", "reason": "x"}, "name must be 1 to 100 characters"),
    ],
)
def test_what_does_not_hold_changes_nothing(
    admin: Client, database: Scratch, changes: dict[str, str], sentence: str
) -> None:
    before = stored(database)

    told = admin.post(PAGE.format(PHARMA), filled_in(admin, **changes)).content.decode()

    assert sentence in told
    assert stored(database) == before


def test_a_tenant_is_suspended_with_a_yes_and_a_reason_and_resumed(admin: Client, database: Scratch) -> None:
    page = PAGE.format(PHARMA)
    for half in ({"reason": "unpaid"}, ASKED):
        admin.post(page, {"what": "state"} | half)
        assert stored(database)[1] is True

    admin.post(page, {"what": "state", "reason": "unpaid"} | ASKED)

    assert stored(database)[1] is False
    assert last(database)[:3] == (ADMIN, "suspend tenant", "unpaid")
    patience.wait(1)
    assert PHARMA not in resolution.active_tenants()
    admin.post(page, {"what": "state", "reason": "paid"} | ASKED)
    assert stored(database)[1] is True
    assert last(database)[1] == "activate tenant"


@pytest.mark.slow
def test_a_further_id_is_added_and_removed_with_a_reason(admin: Client, database: Scratch) -> None:
    page, alias = PAGE.format(PHARMA), "7e57ab1e-0000-4000-8000-000000000002"
    form = {"alias": alias.upper(), "reason": "the portal's"}

    for wrong in (form | {"alias": "pharma"}, form | {"alias": DIGITAL_HEALTH}, form | {"reason": ""}):
        admin.post(page, wrong | ASKED | {"what": "add alias"})
        assert resolution.canonical(alias) == alias
    admin.post(page, form | ASKED | {"what": "add alias"})

    assert last(database) == (ADMIN, "add alias", "the portal's", {"tenant": PHARMA, "alias": alias})
    assert alias in admin.get(page).content.decode()
    patience.wait(1)
    assert resolution.canonical(alias) == PHARMA
    admin.post(page, form | ASKED | {"alias": alias, "what": "remove alias"})
    assert last(database)[:2] == (ADMIN, "remove alias")
    assert alias not in admin.get(page).content.decode()


def test_the_platform_stays_awake(admin: Client, database: Scratch) -> None:
    told = admin.post(PAGE.format(PLATFORM), {"what": "state", "reason": "x"} | ASKED).content.decode()

    assert "cannot be suspended" in told
    assert stored(database, PLATFORM)[1] is True


def test_a_key_is_shown_once_rotated_and_revoked_and_all_of_it_is_written_down(
    admin: Client, database: Scratch
) -> None:
    form = {"name": "reports", "tenants": PHARMA, "scope": "read", "expires_at_0": "", "expires_at_1": ""}
    lists = reverse("admin:tenants_apikey_changelist")
    shown = admin.post(reverse("admin:tenants_apikey_add"), form, follow=True).content.decode()
    key = re.search(r"shown this once: (vital_[\w-]+)", shown)
    assert key
    assert key[1] not in admin.get(lists).content.decode()
    assert (last(database)[:2], last(database)[3]["key"]) == ((ADMIN, "make API key"), key[1][:12])
    number = databases.rows(database.admin_url, "SELECT id FROM vital.api_key WHERE prefix = %s", [key[1][:12]])[0][0]

    for action, noted in (("rotate", "rotate API key"), ("revoke", "revoke API key")):
        admin.post(lists, {"action": action, "_selected_action": number})
        assert last(database)[:2] == (ADMIN, noted)


def test_who_becomes_a_member_of_which_tenant_is_written_down(admin: Client, database: Scratch) -> None:
    with context.acting_as(context.operator_scope(read_only=False)):
        helper = User.objects.create_user("helper", is_staff=True)
    form = {"user": helper.pk, "tenant_id": PHARMA, "role": "user"}

    admin.post(reverse("admin:tenants_membership_add"), form)

    facts = {"user": "helper", "tenant": PHARMA, "role": "user"}
    assert (last(database)[:2], last(database)[3]) == ((ADMIN, "add member"), facts)
    number = databases.rows(database.admin_url, "SELECT id FROM vital.membership")[0][0]
    admin.post(reverse("admin:tenants_membership_delete", args=[number]), {"post": "yes"})
    assert last(database)[1] == "remove member"
