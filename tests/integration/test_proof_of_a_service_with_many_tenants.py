"""The attack run against a service takes time in proportion to the tenants: all pairs among a dozen, and each further
tenant against one other, within a budget; what had no turn is named."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.load import load
from tenants.isolation import http_probe
from tenants.isolation.clients import Response
from tenants.isolation.endpoints import TOOLS
from tenants.isolation.report import Report
from tenants.isolation.targets import MARK
from tests.support import databases
from tests.support.databases import Scratch, rows

REGISTER = (
    "INSERT INTO tenants (id, name, slug, is_active) SELECT gen_random_uuid(), 'tenant ' || n, 'tenant-' || n, true"
    " FROM generate_series(%s::int, %s::int) AS n"
)
MINE = "SELECT 1 FROM tools WHERE id::text = %s AND tenant_id::text = %s"
LEFT = f"SELECT count(*) FROM tools WHERE tool_key LIKE '{MARK}-%%'"


class Strict:
    """A service that shows a tenant its own tools, and knows of nothing else. It counts what it is asked."""

    def __init__(self, database: Scratch) -> None:
        self.database, self.requests = database, 0

    def call(self, method: str, path: str, headers: Mapping[str, str], body: object = None, host: str = "") -> Response:
        self.requests += 1
        key = path.removeprefix(f"{TOOLS}/")
        tenant = headers.get("Authorization", "").removeprefix("Bearer ")
        if method == "GET" and tenant and len(key) == 36:
            mine = rows(
                self.database.admin_url,
                "SELECT 1 FROM tools WHERE id::text = %s AND tenant_id::text = %s",
                [key, tenant],
            )
            if mine:
                return Response(200, key)
        return Response(404, "nothing here")


@pytest.fixture
def database(migrated_template: Scratch) -> Iterator[Scratch]:
    scratch = databases.clone_with_grants(migrated_template)
    yield scratch
    databases.drop(scratch)


def attacked(database: Scratch, **how: Any) -> tuple[Report, int]:
    """The report, and how often the service was asked."""
    service = Strict(database)

    def sessions() -> Any:
        return closing(Session.open(dict(conninfo_to_dict(database.owner_url)), "attack run"))

    inventory = inventory_of(load(settings.PLAN))
    report = http_probe.prove(sessions, inventory, service, lambda tenant, role: tenant, "example.org", **how)
    assert rows(database.admin_url, LEFT) == [(0,)]
    return report, service.requests


def grown_to(database: Scratch, number: int) -> None:
    ((there,),) = rows(database.admin_url, "SELECT count(*)::int FROM tenants WHERE is_active")
    rows(database.admin_url, REGISTER, [there + 1, number])


@pytest.mark.slow
def test_each_tenant_beyond_the_first_ones_costs_the_same(database: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs of all would grow by ever more: from five tenants to seven by 22, and from seven to nine by 30."""
    monkeypatch.setattr(http_probe, "SOME", 4)
    asked: list[int] = []
    for number in (5, 7, 9):
        grown_to(database, number)
        report, requests = attacked(database, budget=600.0)
        assert report.leaks == []
        assert report.complete
        asked.append(requests)

    assert asked[1] - asked[0] == asked[2] - asked[1] > 0
    counted = report.document()
    assert sum(one["times"] for one in counted["in_turn"]) > 0, "what holds in turn is counted, and no line each"


def test_all_pairs_are_tried_among_few(database: Scratch) -> None:
    grown_to(database, 4)

    report, _ = attacked(database)

    pairs = {(a.attacker.partition(" (")[0], a.victim) for a in report.attempts}
    names = {victim for _, victim in pairs}
    assert len(names) == 4
    assert pairs == {(a, v) for a in {*names, "nobody"} for v in names if a != v}


def test_all_pairs_are_tried_of_many_where_somebody_says_so(database: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_probe, "SOME", 2)
    grown_to(database, 5)

    in_turn, fewer = attacked(database)
    report, more = attacked(database, all_pairs=True, budget=0.0)

    assert in_turn.complete
    assert report.complete
    assert more > fewer


def test_what_had_no_turn_within_the_budget_is_named(database: Scratch) -> None:
    grown_to(database, 13)

    report, requests = attacked(database, budget=0.0)

    assert requests == 0
    assert not report.complete
    (named,) = report.not_reached
    assert named.startswith("the service: 146 of 146 pairs of tenants had no turn within the budget: nobody against ")
