"""Undo gives the database back as it was found, and a second run assigns the same rows again."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support import databases, queries
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch
from tests.support.queries import PHASES
from tests.support.undo import OPEN, in_order

pytestmark = pytest.mark.server


@dataclass
class Journey:
    """One database carried there, back, and there again."""

    scratch: Scratch
    before: str
    undone: Done
    after: str
    states: dict[str, str]
    explained: Done
    assigned: list[tuple[object, object]]


@pytest.fixture(scope="module")
def journey(legacy_template: Scratch, manage: Manage) -> Iterator[Journey]:
    scratch = databases.clone(legacy_template)
    assert manage(scratch, "migrate", "-v0").returncode == 0
    before = databases.dump(scratch.admin_url)
    run = manage(scratch, "migrate_tenants", "--yes")
    assert run.returncode == 0, said(run)
    first = queries.tenants_of_every_table(scratch), queries.made_assignments(scratch)
    undone = manage(scratch, "migrate_tenants", "undo", "--yes")
    after = databases.dump(scratch.admin_url)
    status = document(manage(scratch, "migrate_tenants", "status", "--json"))
    explained = manage(scratch, "migrate_tenants", "explain", "tools", next(iter(first[0]["tools"])))
    again = manage(scratch, "migrate_tenants", "--yes")
    assert again.returncode == 0, said(again)
    second = queries.tenants_of_every_table(scratch), queries.made_assignments(scratch)
    states = {phase["phase"]: phase["status"] for phase in status["phases"]}
    yield Journey(scratch, before, undone, after, states, explained, [first, second])
    databases.drop(scratch)


def test_undo_leaves_the_database_as_it_was_found(journey: Journey) -> None:
    assert journey.undone.returncode == 0, said(journey.undone)
    assert journey.after == journey.before
    assert journey.states == dict.fromkeys(PHASES, "rolled_back")


def test_undo_names_the_phases_latest_first_and_says_that_isolation_is_open(journey: Journey) -> None:
    assert in_order(journey.undone, *reversed(PHASES), OPEN), said(journey.undone)


def test_what_is_undone_cannot_be_explained(journey: Journey) -> None:
    """The row has no tenant column any more: that is said, and no error of the database shown."""
    assert journey.explained.returncode == 2, said(journey.explained)
    assert PHASES[1] in journey.explained.stderr


def test_doing_it_again_assigns_the_same(journey: Journey) -> None:
    first, second = journey.assigned
    assert first == second
    assert len(queries.made_assignments(journey.scratch)) > 10_000


def test_undo_of_what_was_never_done_is_nothing_to_undo(legacy: Scratch, manage: Manage) -> None:
    before = databases.dump(legacy.admin_url)
    done = manage(legacy, "migrate_tenants", "undo", "--phase", "004", "--yes")
    assert (done.returncode, "othing to undo" in done.stdout) == (0, True), said(done)
    assert databases.dump(legacy.admin_url) == before
    assert manage(legacy, "migrate_tenants", "--to", "000", "--yes").returncode == 0
    done = manage(legacy, "migrate_tenants", "undo", "--phase", "002", "--json", "--yes")
    assert (done.returncode, document(done)["status"]) == (0, "nothing_to_do"), said(done)
