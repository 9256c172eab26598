"""A rehearsal says what approximate indexes will give tenants, and tries what gives them more, on its copy alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import databases, vectors
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.vectors import PARTS

pytestmark = [pytest.mark.server, pytest.mark.slow]

EXACT = 0
OF_DATABASES = "SELECT count(*) FROM pg_db_role_setting WHERE setdatabase <> 0"


@pytest.fixture
def unsorted(server_url: str) -> Iterator[Scratch]:
    """The platform with vectors before its migration."""
    scratch = databases.create_empty(server_url, "vital_vectors")
    try:
        vectors.fill(scratch, 12_000, 8, vectors.HNSW)
        yield scratch
    finally:
        databases.drop(scratch)


def rehearsed(unsorted: Scratch, manage: Manage, rehearsal_home: Path, *options: str) -> Done:
    """On the embedded server: pgvector is not trusted, so that a plain owner cannot have it in another database."""
    file = rehearsal_home / "plan.toml"
    file.write_text(vectors.plan(), encoding="utf-8")
    asked = ("migrate_tenants", "rehearse", "--on", "embedded", "--plan", str(file), *options)
    return manage(unsorted, *asked, cwd=rehearsal_home, env={"VITAL_HOME": str(rehearsal_home)}, timeout=300)


def test_what_is_proposed_is_tried_on_the_copy_and_withdrawn_exactly(
    unsorted: Scratch, manage: Manage, rehearsal_home: Path
) -> None:
    manage(unsorted, "migrate", "--verbosity", "0")
    settings, before = rows(unsorted.admin_url, OF_DATABASES), databases.dump(unsorted.admin_url, schema="public")

    done = rehearsed(unsorted, manage, rehearsal_home, "--json")

    found = document(done)
    assert (done.returncode, found["exact"], found["differences"]) == (EXACT, True, []), said(done)
    (first,), (after,) = found["vectors"]["indexes"], found["vectors"]["after"]
    assert first["index"] == after["index"] == "passages_nearest"
    assert min(tenant["recall"] for tenant in first["tenants"]) < 0.5
    assert {tenant["name"]: tenant["recall"] >= 0.95 for tenant in after["tenants"]} == dict.fromkeys(PARTS, True)
    assert {one["outcome"] for one in found["vectors"]["proposals"]} == {"kept"}
    assert rows(unsorted.admin_url, OF_DATABASES) == settings
    assert databases.dump(unsorted.admin_url, schema="public") == before


def test_it_is_said_in_words(unsorted: Scratch, manage: Manage, rehearsal_home: Path) -> None:
    done = rehearsed(unsorted, manage, rehearsal_home)

    words = " ".join(done.stdout.split())
    assert done.returncode == EXACT, said(done)
    assert "What approximate indexes give tenants, of the sample:" in words
    assert "Every tenant measured has at least 0.95 of its ten nearest rows." in words
