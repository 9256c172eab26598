"""Every change of the schema knows its undo; on a real database each is seen, undone, seen to be undone, and redone."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine import ddl
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Phase, Statement
from migrations_ops.plan import phases
from migrations_ops.rules.load import load
from tests.support import databases
from tests.support.databases import Scratch, clone_with_grants
from tests.support.plans import SHIPPED

pytestmark = pytest.mark.slow

PHASES: tuple[Phase, ...] = phases(load(SHIPPED))
STATEMENTS = [(phase, step) for phase in PHASES for step in phase.steps if isinstance(step, Statement)]

# The keys of DESIGN.md, by hand: the log files are called so, and the guide's queries look for them.
KEYS = [
    "000_pre_validation",
    "001_schema_fixes",
    "002_tenant_setup",
    "003_platform_data",
    "004_tenant_data",
    "005_post_validation",
    "006_row_level_security",
]

# What a statement's memo looks like, by its name: what `down` is given in the tests without a database.
MEMOS: dict[str, Any] = {
    r"triggers of \w+ leave the backfill alone": [
        {"definition": "CREATE OR REPLACE TRIGGER touch …", "name": "touch", "always": True}
    ],
    r"\w+: \(.*\) is unique per tenant": [
        {"constraint": "old_key", "definition": "UNIQUE (a)", "index": "old_key", "create": "CREATE UNIQUE INDEX …"},
        {"constraint": None, "definition": None, "index": "old", "create": "CREATE UNIQUE INDEX old …"},
    ],
    r"row level security of [\w.]+": {"enabled": False, "forced": False},
    r"every tenant in \w+ exists": {"not_valid": []},
    r"\w+ (is assigned without|has) its index on the tenant column.*": [
        {"relation": "public.a", "schema": "public", "name": "b", "body": "USING btree (tenant_id)", "comment": "…"}
    ],
    r"policies of others on .* leave tenants alone": [{"name": "viewable", "roles": ["PUBLIC"]}],
    r"grants on .*|the roles may use the schema .*|VITAL's data work reads .*": {"held": []},
}

# Statements whose undo is deliberately nothing, and why.
NOTHING_TO_UNDO = {
    r"every tenant in \w+ exists": "a validated key is the same key; 001 takes it away with its column",
    r"no old row of \w+ without a tenant": "a validated check is the same check; the statement before it drops it",
}

# What is asked or done again where the plan may have been edited since the phase before.
REPEATED = r"rows written to \w+ without a tenant get theirs|rules that do not fit the database|loads that row level .*"

# Statements about the whole cluster: other databases stand on them, so that a test beside others leaves them alone.
OF_THE_CLUSTER = r"the role \w+|VITAL may work as vital_operator|VITAL may prove isolation as vital_tenant"


def given(table: dict[str, Any], name: str) -> Any:
    """What a table of patterns has for a name, or None."""
    return next((value for pattern, value in table.items() if re.fullmatch(pattern, name)), None)


def memo_of(statement: Statement) -> Any:
    if statement.saved_state is None:
        return {}
    saved_state = given(MEMOS, statement.name)
    assert saved_state is not None, f"{statement.name!r} notes a memo: add one like it to MEMOS in this test"
    return saved_state


def test_the_phases_are_those_of_the_design() -> None:
    assert [phase.key for phase in PHASES] == KEYS
    assert all(phase.title for phase in PHASES)


def test_only_the_validation_reads_only() -> None:
    assert [phase.key for phase in PHASES if phase.reads_only] == ["005_post_validation"]
    for phase in PHASES:
        if phase.reads_only:
            writing = [step.name for step in phase.steps if not isinstance(step, Check)]
            assert not writing, f"{phase.key} only reads: these steps belong into another phase: {writing}"


@pytest.mark.parametrize(("phase", "statement"), STATEMENTS, ids=lambda part: getattr(part, "name", None))
def test_a_statement_has_its_undo(phase: Phase, statement: Statement) -> None:
    undo = statement.down(memo_of(statement))

    if given(NOTHING_TO_UNDO, statement.name):
        assert not undo, f"{statement.name!r} has an undo: take it out of NOTHING_TO_UNDO"
    else:
        assert undo, f"{statement.name!r} of {phase.key} has no undo: give `down`, or a reason in NOTHING_TO_UNDO"
    for change in (*statement.up, *undo):
        assert change.as_string(None).strip()


def test_the_reasons_are_for_statements_that_are_there() -> None:
    names = [statement.name for _, statement in STATEMENTS]
    gone = [pattern for pattern in (*NOTHING_TO_UNDO, *MEMOS) if not any(re.fullmatch(pattern, n) for n in names)]

    assert not gone, f"No statement is called like this any more; take it out of this test: {gone}"


def test_a_statement_outside_a_transaction_is_a_single_one() -> None:
    for _, statement in STATEMENTS:
        # Those that ask the database first remove what a failed attempt has left themselves.
        if statement.online and statement.composed is None:
            assert len(statement.up) == 1, (
                f"{statement.name!r}: online statements run one by one; make it two Statements"
            )
            assert statement.repair is not None, (
                f"{statement.name!r} leaves an invalid index behind when it fails: repair"
            )


def test_a_name_means_one_statement_or_check() -> None:
    """Applied statements and findings are remembered by name, whatever the phase."""
    named = [step.name for phase in PHASES for step in phase.steps if isinstance(step, Check | Statement)]
    twice = [name for name, times in Counter(named).items() if times > 1 and not re.fullmatch(REPEATED, name)]

    assert not twice, f"Give one of each pair another name: {twice}"


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.key)
def test_a_name_is_given_once_in_a_phase(phase: Phase) -> None:
    twice = [name for name, times in Counter(step.name for step in phase.steps).items() if times > 1]

    assert not twice, f"The cursor of a step is found by its name: give one of each pair another: {twice}"


def test_a_name_fits_where_it_is_remembered() -> None:
    long = [step.name for phase in PHASES for step in phase.steps if len(step.name) > 200]

    assert not long, f"vital.step_run and vital.applied_statement hold 200 signs; say it in fewer words: {long}"


# --- on a real database ---


@pytest.fixture(scope="module")
def migrated_clone(migrated_template: Scratch) -> Iterator[Scratch]:
    scratch = clone_with_grants(migrated_template)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="module")
def session(migrated_clone: Scratch) -> Iterator[Session]:
    """The engine's own connection to a database after a whole run."""
    opened = Session.open(dict(conninfo_to_dict(migrated_clone.owner_url)), "architecture")
    yield opened
    opened.close()


def waiting(why: str) -> None:
    raise AssertionError(f"waits for {why}")


def test_after_a_run_every_change_is_seen_to_be_there(session: Session) -> None:
    missing = [
        f"{phase.key}: {statement.name}"
        for phase, statement in STATEMENTS
        if ddl.is_wanted(session, statement)
        and ddl.is_ready(session, statement)
        and not ddl.is_there(session, statement)
    ]

    assert not missing, "`there` does not see what `up` has made, so that each run makes it again:\n" + "\n".join(
        missing
    )


# Changes that a later one of the same phase takes over, so that its undo takes them along, and why.
TAKEN_OVER = {
    r"no (new|old) row of \w+ without a tenant": "NOT NULL proves the same and drops the check",
    r"\w+: an index for \(.*\) per tenant": "the key built on it owns it, and drops it",
}


@pytest.mark.parametrize("key", ["006_row_level_security", "004_tenant_data", "002_tenant_setup", "001_schema_fixes"])
def test_a_change_is_undone_seen_to_be_undone_and_made_again(session: Session, key: str) -> None:
    """Do, check, undo, check, do again, check; at the end the phase stays undone, for the phase before it."""
    phase = next(phase for phase in PHASES if phase.key == key)
    ours = [
        step
        for step in phase.steps
        if isinstance(step, Statement)
        and not re.fullmatch(OF_THE_CLUSTER, step.name)
        and ddl.was_applied(session, key, step)
    ]
    assert ours
    run = session.value("SELECT max(id) FROM vital.run")

    undo_all(session, phase, ours)
    for statement in ours:
        outcome = ddl.apply(session, key, run, statement, waiting)
        assert outcome.status == "done" or given(NOTHING_TO_UNDO, statement.name), f"{statement.name}: {outcome.status}"
        assert ddl.is_there(session, statement), f"{statement.name}: made again, and `there` does not see it"
        assert ddl.apply(session, key, run, statement, waiting).status == "already"
    undo_all(session, phase, ours)


def undo_all(session: Session, phase: Phase, ours: list[Statement]) -> None:
    for statement in reversed(ours):
        there = ddl.is_there(session, statement)
        assert there or given(TAKEN_OVER, statement.name), f"{statement.name}: not there before its undo"
        undone = ddl.undo(session, phase.key, statement, waiting).status
        assert undone == "done" or given(NOTHING_TO_UNDO, statement.name), f"{statement.name}: its undo was {undone}"
        still = ddl.is_there(session, statement)
        assert not still or given(NOTHING_TO_UNDO, statement.name), (
            f"{statement.name}: undone, and `there` sees it still"
        )
        assert ddl.undo(session, phase.key, statement, waiting).status == "already"
