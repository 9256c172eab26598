"""A preview says what a run then does, at any time, and writes nothing."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from migrations_ops.foresight.preview import preview
from migrations_ops.rules.load import load
from tests.conftest import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support import looking, oracle
from tests.support.databases import Scratch
from tests.support.looking import TABLES

SLUGS = {PLATFORM: "vital-platform", DIGITAL_HEALTH: "digital-health", PHARMA: "pharma"}


@contextmanager
def opened(scratch: Scratch) -> Iterator[Session]:
    """The engine's connection, which can change nothing."""
    session = Session.open({str(k): v for k, v in conninfo_to_dict(scratch.owner_url).items()}, "preview")
    session.named("read_only")
    try:
        yield session
    finally:
        session.close()


def previewed(scratch: Scratch, plan: Path = looking.PLAN) -> dict[str, Any]:
    with opened(scratch) as session:
        return preview(session, load(plan), lambda why: None)


def in_tenants(found: dict[str, str | None]) -> Counter[str]:
    return Counter(SLUGS.get(tenant, tenant) for tenant in found.values() if tenant)


@pytest.fixture(scope="module")
def expected(pack: Path) -> oracle.Expected:
    return oracle.expected(pack)


@pytest.fixture(scope="module")
def before(legacy_template: Scratch) -> dict[str, Any]:
    """The preview of the legacy pack as found."""
    return previewed(legacy_template)


@pytest.mark.parametrize("table", TABLES)
def test_each_tenant_gets_what_the_rules_say(before: dict[str, Any], expected: oracle.Expected, table: str) -> None:
    told = before["tables"][table]
    assert told["tenants"] == in_tenants(expected.tenants[table])
    assert told["unassigned"] == sum(tenant is None for tenant in expected.tenants[table].values())
    names = [rule["name"] for rule in looking.rules_of(table)]
    decided = Counter(names[number - 1] for number in expected.rules[table].values() if number)
    assert told["rules"] == {name: decided[name] for name in names}
    assert {name: sum(tenants.values()) for name, tenants in told["matrix"].items()} == told["rules"]
    assert told["rows"] == sum(told["rules"].values()) + sum(told["stay"].values()) + told["unassigned"]
