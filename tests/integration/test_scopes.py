"""A scope is one transaction's: nothing of it is inside another, or left behind, however it ends."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction
from django.http import HttpRequest, HttpResponse

from tenants.auth import db_logins
from tenants.identity import Caller, TenantInfo, TenantRequest
from tenants.middleware import ApiTransaction
from tests.support import databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.databases import Scratch
from vital.db import scope
from vital.db.base import settings_for

pytestmark = pytest.mark.server

WHO = "SELECT current_user::text, session_user::text, current_setting('vital.tenant_id', true)"


@pytest.fixture
def service(migrated: Scratch, django_db_blocker: pytest.FixtureRequest) -> Iterator[str]:
    """Django's connection as the service's own login; its name."""
    before = dict(connection.settings_dict)
    name = f"{migrated.name}_svc"
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connection.close()
        connection.settings_dict.update(settings_for(migrated.owner_url))
        url = db_logins.create(name)
        connection.close()
        connection.settings_dict.update(settings_for(url))
        yield name
        connection.close()
        connection.settings_dict.update(before)


def asked(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def tenants_seen() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id::text FROM public.prompts")
        return {tenant for (tenant,) in cursor.fetchall()}


def pharma(*, read_only: bool = True) -> scope.Scope:
    return scope.tenant_scope(PHARMA, read_only=read_only)


def test_a_scope_is_role_and_tenant_for_one_transaction(service: str) -> None:
    with scope.acting_as(pharma()):
        assert asked(WHO) == ("vital_tenant", service, PHARMA)
        assert tenants_seen() == {PHARMA, PLATFORM}


def test_nothing_of_it_is_left_on_the_connection(service: str) -> None:
    with scope.acting_as(pharma()):
        process = asked("SELECT pg_backend_pid()")

    assert asked("SELECT pg_backend_pid()") == process
    assert asked(WHO) in [(service, service, ""), (service, service, None)]


def test_nor_after_an_error(service: str) -> None:
    with pytest.raises(RuntimeError), scope.acting_as(pharma()):  # noqa: PT012  # the statement is the point
        asked(WHO)
        raise RuntimeError("a view has failed")

    assert scope.current() is None
    assert asked(WHO) in [(service, service, ""), (service, service, None)]


def test_the_next_tenant_on_the_connection_is_itself(service: str) -> None:
    for tenant in (PHARMA, DIGITAL_HEALTH, PHARMA):
        with scope.acting_as(scope.tenant_scope(tenant, read_only=True)):
            assert tenants_seen() <= {tenant, PLATFORM}
            assert asked(WHO)[2] == tenant


@pytest.mark.parametrize("inner", [pharma(), scope.tenant_scope(DIGITAL_HEALTH, read_only=True)])
def test_no_scope_begins_inside_another(service: str, inner: scope.Scope) -> None:
    with scope.acting_as(pharma()):
        with pytest.raises(scope.AnotherScopeIsOpen), scope.acting_as(inner):
            pass
        assert asked(WHO)[2] == PHARMA


def test_a_savepoint_that_is_rolled_back_keeps_the_scope(service: str) -> None:
    with scope.acting_as(pharma()):
        with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012  # as above
            asked(WHO)
            raise RuntimeError
        assert asked(WHO)[2] == PHARMA


def test_outside_every_scope_the_login_may_do_nothing(service: str, migrated: Scratch) -> None:
    for table in ("public.tools", "public.users", "public.tenants"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            asked(f"SELECT count(*) FROM {table}")


def test_a_reading_scope_writes_nothing(service: str, migrated: Scratch) -> None:
    with pytest.raises(InternalError, match="read-only"), scope.acting_as(pharma()):
        asked("UPDATE public.prompts SET description = 'x' RETURNING 1")
    ((changed,),) = databases.rows(migrated.admin_url, "SELECT count(*) FROM prompts WHERE description = 'x'")
    assert changed == 0


def test_no_tenant_sees_the_platforms_rows_only(service: str) -> None:
    with scope.acting_as(scope.tenant_scope("", read_only=True)):
        assert tenants_seen() == {PLATFORM}


def test_work_after_the_commit_is_in_no_scope(service: str) -> None:
    seen: list[scope.Scope | None] = []
    with scope.acting_as(pharma()):
        transaction.on_commit(lambda: seen.append(scope.current()))
        inside = scope.current()

    assert inside == pharma()
    assert seen == [pharma()], "a callback runs in the scope's context, outside its transaction"


@pytest.mark.parametrize(("status", "kept"), [(201, 1), (409, 0), (500, 0)])
def test_a_refusal_takes_back_what_the_view_had_written(
    service: str, migrated: Scratch, status: int, kept: int
) -> None:
    insert = """
        INSERT INTO public.prompts (name, display_name, description, category, system_prompt, tenant_id)
        VALUES ('Half of a write', 'x', 'x', 'x', 'x', %s) RETURNING 1
    """

    def view(request: HttpRequest) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute(insert, [PHARMA])
        return HttpResponse(status=status)

    request = cast(TenantRequest, HttpRequest())
    request.sees_all = False
    caller = Caller("token", "somebody", "user", frozenset([PHARMA]), PHARMA)
    facts = TenantInfo(PHARMA, "pharma", "Pharmaceuticals", False, {})

    ApiTransaction(view)._in_transaction(request, caller, facts, reads=False)

    rows = databases.rows(migrated.admin_url, "SELECT count(*) FROM prompts WHERE name = 'Half of a write'")
    assert rows == [(kept,)]
