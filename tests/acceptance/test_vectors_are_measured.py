"""`migrate_tenants vectors`: what an approximate index takes from tenants behind isolation is found and measured."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import databases, queries, tenant_role, vectors
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.vectors import IDS, PARTS

ENOUGH, TOO_LITTLE, WRONG_USAGE = 0, 1, 2
NEAREST = "SELECT embedding <=> %s::vector FROM passages ORDER BY embedding <=> %s::vector LIMIT 10"
# In the order of a sum, which no index has.
EXACT = "SELECT embedding <=> %s::vector FROM passages ORDER BY (embedding <=> %s::vector) + 0 LIMIT 10"


def measured(manage: Manage, scratch: Scratch, *options: str, code: int = TOO_LITTLE) -> dict[str, Any]:
    done = manage(scratch, "migrate_tenants", "vectors", "--sample", "10", "--json", *options)
    assert done.returncode == code, said(done)
    return document(done)


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (index,) = found["indexes"]
    return {tenant["name"]: tenant for tenant in index["tenants"]}


def test_the_index_is_found_with_what_it_is_for(platform_with_vectors: Scratch, manage: Manage) -> None:
    (index,) = measured(manage, platform_with_vectors)["indexes"]

    size = queries.scalar(platform_with_vectors, "SELECT pg_relation_size('passages_nearest')")
    shown = ("table", "index", "method", "column", "operator_class", "metric", "bytes", "valid")
    assert [index[name] for name in shown] == [
        *("passages", "passages_nearest", "hnsw", "embedding", "vector_cosine_ops", "cosine distance"),
        *(size, True),
    ]


def test_small_tenants_are_given_less_than_there_is_and_large_ones_what_there_is(
    platform_with_vectors: Scratch, manage: Manage
) -> None:
    found = by_name(measured(manage, platform_with_vectors))

    assert {name: tenant["rows"] for name, tenant in found.items()} == {name: 12 * part for name, part in PARTS.items()}
    assert found["giant"]["recall"] >= 0.95
    assert found["least"]["recall"] <= 0.3
    assert (found["least"]["returned"], found["least"]["of"]) < (10, 10)
    assert all(tenant["ms"] > 0 and tenant["exact_ms"] > 0 for tenant in found.values())


def test_it_measures_what_the_tenant_itself_is_given(platform_with_vectors: Scratch, manage: Manage) -> None:
    """Asked by hand, as the role that the service puts on."""
    found = by_name(measured(manage, platform_with_vectors, "--sample", "12"))["least"]
    own = rows(
        platform_with_vectors.admin_url,
        "SELECT embedding::text FROM passages WHERE tenant_id = %s",
        [IDS["least"]],
    )
    assert len(own) == 12, "all of them are asked for"

    hits = []
    with psycopg_as(platform_with_vectors, IDS["least"]) as tenant:
        for (vector,) in own:
            given = [distance for (distance,) in tenant.rows(NEAREST, vector, vector)]
            right = [distance for (distance,) in tenant.rows(EXACT, vector, vector)]
            assert len(right) == 10
            hits.append(len({*given} & {*right}) / 10)

    assert found["recall"] == pytest.approx(sum(hits) / len(hits), abs=0.001)


def psycopg_as(scratch: Scratch, tenant: str) -> Any:
    return tenant_role.as_tenant(scratch, tenant, table="passages")


def test_rows_at_the_same_distance_are_equally_right(server_url: str, manage: Manage, tmp_path: Path) -> None:
    """Twenty copies of each row: which ten of them came is no loss."""
    with vectors.isolated(server_url, manage, tmp_path, total=1_000) as scratch:
        copies = (
            "INSERT INTO passages (org, body, embedding, tenant_id)"
            " SELECT org, 'copy', embedding, tenant_id FROM passages, generate_series(1, 19) WHERE org = 'giant'"
        )
        rows(scratch.admin_url, copies)
        rows(scratch.admin_url, "ANALYZE passages")

        giant = by_name(measured(manage, scratch))["giant"]

    assert giant["returned"] == 10
    assert giant["recall"] == 1.0


def test_of_many_tenants_some_are_asked_and_the_smallest_is_among_them(
    platform_with_vectors: Scratch, manage: Manage
) -> None:
    found = measured(manage, platform_with_vectors, "--tenants", "4")

    assert [tenant["name"] for tenant in found["indexes"][0]["tenants"]] == ["giant", "large", "modest", "least"]
    assert found["indexes"][0]["left_out"] == 6


def test_what_is_enough_is_said_by_who_asks(platform_with_vectors: Scratch, manage: Manage) -> None:
    few = measured(manage, platform_with_vectors, "--tenants", "1", code=ENOUGH)

    assert few["below"] == 0
    for wrong in (("--wanted", "1.5"), ("--sample", "0"), ("--tenants", "0"), ("--seconds", "0")):
        measured(manage, platform_with_vectors, *wrong, code=WRONG_USAGE)


def test_people_see_the_tenants_with_least_first(platform_with_vectors: Scratch, manage: Manage) -> None:
    done = manage(platform_with_vectors, "migrate_tenants", "vectors", "--sample", "5")

    assert done.returncode == TOO_LITTLE, said(done)
    names = [line.split()[0] for line in done.stdout.splitlines() if " of 10  " in line]
    assert len(names) == len(PARTS)
    assert names[-1] == "giant", said(done)
    assert "have less than 0.95 of their ten nearest rows" in done.stdout


def test_nothing_changes_but_that_it_was_measured(platform_with_vectors: Scratch, manage: Manage) -> None:
    before = databases.dump(platform_with_vectors.admin_url)
    events = "SELECT count(*) FROM vital.audit"
    noted = queries.scalar(platform_with_vectors, events)

    measured(manage, platform_with_vectors)

    assert databases.dump(platform_with_vectors.admin_url) == before
    assert queries.scalar(platform_with_vectors, events) == noted + 1
    facts = queries.scalar(platform_with_vectors, "SELECT facts FROM vital.audit ORDER BY id DESC LIMIT 1")
    assert facts["indexes"]["passages.passages_nearest"]["below"] > 0


def test_an_index_that_was_not_finished_and_one_of_some_rows_are_named_and_not_measured(
    platform_with_vectors: Scratch, manage: Manage
) -> None:
    copy = databases.clone_with_grants(platform_with_vectors)
    try:
        rows(copy.admin_url, "CREATE INDEX of_some ON passages USING hnsw (embedding vector_l2_ops) WHERE org = 'tiny'")
        rows(copy.admin_url, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'passages_nearest'::regclass")

        found = measured(manage, copy, code=ENOUGH)
        printed = manage(copy, "migrate_tenants", "vectors").stdout
    finally:
        databases.drop(copy)

    assert {one["index"]: (one["valid"], "tenants" in one) for one in found["indexes"]} == {
        "passages_nearest": (False, False),
        "of_some": (True, False),
    }
    assert [one["column"] for one in found["without_index"]] == [], "a partial index stands on it"
    assert "DROP INDEX CONCURRENTLY passages_nearest" in printed


def test_vectors_without_an_index_are_named(platform_with_vectors: Scratch, manage: Manage) -> None:
    copy = databases.clone_with_grants(platform_with_vectors)
    try:
        rows(copy.admin_url, "DROP INDEX passages_nearest")
        found = measured(manage, copy, code=ENOUGH)
    finally:
        databases.drop(copy)

    assert [(one["table"], one["column"], one["type"]) for one in found["without_index"]] == [
        ("passages", "embedding", "vector(8)")
    ]


@pytest.mark.server
def test_a_database_without_vectors_has_nothing_to_measure(migrated_template: Scratch, manage: Manage) -> None:
    found = measured(manage, migrated_template, code=ENOUGH)

    assert (found["pgvector"], found["indexes"], found["without_index"]) == (None, [], [])
    assert "pgvector is not installed" in manage(migrated_template, "migrate_tenants", "vectors", "--yes").stdout
    assert measured(manage, migrated_template, "--undo", code=ENOUGH)["undone"] == []
    wrong = manage(migrated_template, "migrate_tenants", "vectors", "--partial", "nobody", "--yes")
    assert wrong.returncode == WRONG_USAGE, said(wrong)
    assert "No tenant with vectors that were measured is called nobody" in said(wrong)


def test_before_isolation_there_is_nothing_to_measure(server_url: str, manage: Manage, tmp_path: Path) -> None:
    scratch = databases.create_empty(server_url)
    try:
        vectors.fill(scratch, 1_000, 8, vectors.HNSW)
        (tmp_path / "plan.toml").write_text(vectors.plan(), encoding="utf-8")
        manage(scratch, "migrate", "--verbosity", "0")

        done = manage(scratch, "migrate_tenants", "vectors", "--plan", str(tmp_path / "plan.toml"), "--json")
    finally:
        databases.drop(scratch)

    assert done.returncode == WRONG_USAGE, said(done)
    assert "Isolation is off" in json.loads(done.stdout)["error"]
