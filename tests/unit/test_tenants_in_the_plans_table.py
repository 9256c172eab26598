"""The model of tenants reads the table that the plan names, also where another one was read before."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tenants import registry
from tenants.models import TenantRecord
from vital.db import sql


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    table = TenantRecord._meta.db_table
    yield
    registry.read_from(table)


@pytest.mark.parametrize("relations", [("public.tenants", "vital.registry"), ("vital.registry", 'public."Tenants"')])
def test_nothing_is_left_of_the_table_before(relations: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    statements = []
    for relation in relations:
        monkeypatch.setattr(registry, "known", lambda: SimpleNamespace(registry=relation))  # noqa: B023
        registry.bind()
        statements.append(str(TenantRecord.objects.filter(is_active=True).order_by("name").query))
        statements.append(str(TenantRecord.objects.order_by("name").query))

    before, after = (sql.spelled(*sql.names(relation)) for relation in relations)
    for statement in statements[2:]:
        assert f"{after}." in statement
        assert before not in statement
