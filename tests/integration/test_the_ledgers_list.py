"""The list of the ledger, which may have an entry for each tenant of each batch: what its page asks does not grow with
its rows, and its filters are not found by reading it."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on

LIST = "/admin/migrations_ops/ledgerentry/"
MORE = """
    INSERT INTO vital.ledger (run_id, phase, step, kind, relation, rule, digest, before, after, keys, rows, transaction)
    SELECT l.run_id, l.phase, l.step, l.kind, l.relation, l.rule, l.digest, l.before, l.after, l.keys, l.rows,
           l.transaction
    FROM (SELECT * FROM vital.ledger WHERE kind = 'assign' AND run_id IS NOT NULL ORDER BY id LIMIT 1) AS l
    CROSS JOIN generate_series(1, %s)
"""


@pytest.fixture
def admin(migrated: Scratch, django_db_blocker: pytest.FixtureRequest) -> Iterator[Client]:
    with django_on(migrated.owner_url, django_db_blocker):
        client = Client()
        client.force_login(User.objects.create_superuser("platform-admin"))
        yield client


def test_its_queries_do_not_grow_with_its_rows(admin: Client, migrated: Scratch) -> None:
    rows(migrated.admin_url, MORE, [2])
    few = asked(admin, LIST)
    rows(migrated.admin_url, MORE, [200])
    many = asked(admin, LIST)

    assert len(many) <= len(few), many
    assert not [query for query in many if "DISTINCT" in query and '"ledger"' in query]


@pytest.mark.parametrize(
    "words", ["relation=public.tools", "relation__exact=public.tools", "phase=004_tenant_data", "kind__exact=assign"]
)
def test_it_is_filtered(admin: Client, migrated: Scratch, words: str) -> None:
    column, value = words.replace("__exact", "").split("=")
    [(expected,)] = rows(migrated.admin_url, f"SELECT count(*) FROM vital.ledger WHERE {column} = %s", [value])

    page = admin.get(f"{LIST}?{words}")

    assert expected
    assert page.context["cl"].result_count == expected
    assert f"?{column}={value}" in admin.get(LIST).content.decode() or column == "kind"


def asked(admin: Client, address: str) -> list[str]:
    """The fewest of three times: what pages remember may run out in between."""
    times = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as captured:
            assert admin.get(address).status_code == 200
        times.append([query["sql"] for query in captured.captured_queries])
    return min(times, key=len)
