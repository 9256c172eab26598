"""What people should look at: counted in all, listed one by one as it stands, and written to a file to fill in."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrations_ops.engine import checks
from migrations_ops.engine.steps import Check, Phase, Severity
from migrations_ops.engine.tracking import PhaseRecord
from migrations_ops.phases import probes
from migrations_ops.review import csv_files
from migrations_ops.review import findings as listing
from migrations_ops.review.csv_files import UnreadableSheet
from tests.support.cast import STRANGER
from tests.support.decision_database import TWO, DecisionDatabase, said
from vital.errors import UnknownTable


@pytest.fixture(params=["kept", "more than are kept"])
def filled(
    decision_database: DecisionDatabase, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> DecisionDatabase:
    """Twenty people, their letters, three parts; 004 is done and has found what no rule knows."""
    if request.param != "kept":
        monkeypatch.setattr(checks, "KEPT", 3)
        monkeypatch.setattr(listing, "AT_ONCE", 4)
    decision_database.forget()
    decision_database.fill(20)
    decision_database.run()
    return decision_database


def counts(filled: DecisionDatabase) -> dict[str, tuple[int, int]]:
    return {group.table: (group.open, group.decided) for group in filled.findings().groups()}


def test_all_are_counted_and_each_is_listed(filled: DecisionDatabase) -> None:
    assert counts(filled) == {"public.folk": (20, 0), "public.letters": (20, 0), "public.parts": (1, 0)}
    found = filled.findings()
    rows = [row for group in found.groups() for row in found.rows(group)]
    assert {(row["table"], row["key"], row["state"]) for row in rows} == {
        *(("folk", str(n), "open") for n in range(1, 21)),
        *(("letters", str(n), "open") for n in range(1, 21)),
        ("parts", '["unknown", "3"]', "open"),
    }
    assert {(group.table, group.kind, group.blocking) for group in found.groups()} == {
        ("public.folk", "person", False), ("public.letters", "unmatched", False), ("public.parts", "unmatched", True)
    }  # fmt: skip


def test_what_is_decided_is_told_from_what_is_open(filled: DecisionDatabase) -> None:
    filled.decide(*said("folk", [1, 2, 3], "two"))
    still, decided = counts(filled)["public.folk"]
    assert still == 17
    if len(list(filled.findings(table="folk").rows(filled.findings(table="folk").groups()[0]))) == 20:
        assert decided == 3


def test_the_status_counts_all_but_what_is_decided(filled: DecisionDatabase) -> None:
    def told() -> dict[str, int]:
        return {relation: count for _, _, relation, count in filled.session.named("finding_counts")}

    assert told() == {"public.folk": 20, "public.letters": 20, "public.parts": 1}
    filled.decide(*said("folk", [1, 2], "two"), *said("parts", ['["unknown", "3"]'], "two"))
    assert told() == {"public.folk": 18, "public.letters": 20}


def test_a_decision_that_waits_is_no_open_finding(filled: DecisionDatabase) -> None:
    filled.session.execute("UPDATE vital.phase_run SET status = 'rolled_back'")
    filled.decide(*said("folk", [1, 20], "two"))
    assert counts(filled)["public.folk"] == (18, 2)
    states = {row["key"]: row["state"] for row in filled.findings().rows(filled.findings(table="folk").groups()[0])}
    assert {key for key, state in states.items() if state == "decided"} == {"1", "20"}


def test_a_row_that_is_gone_or_has_a_tenant_by_now_is_no_finding(decision_database: DecisionDatabase) -> None:
    decision_database.forget()
    decision_database.fill(4)
    decision_database.run()
    decision_database.session.execute("DELETE FROM public.letters WHERE id = 1")
    decision_database.session.execute("UPDATE public.letters SET tenant_id = %(two)s WHERE id = 2", {"two": TWO})
    [group] = decision_database.findings(table="letters").groups()
    assert (group.open, group.decided, group.gone) == (2, 0, 2)


@pytest.mark.parametrize(
    ("wanted", "tables"),
    [
        ({"table": "folk"}, ["public.folk"]),
        ({"table": "public.letters"}, ["public.letters"]),
        ({"check": "person"}, ["public.folk"]),
        ({"check": "of parts"}, ["public.parts"]),
        ({"check": "unmatched", "table": "folk"}, []),
    ],
)
def test_some_can_be_asked_for(filled: DecisionDatabase, wanted: dict[str, str], tables: list[str]) -> None:
    assert [group.table for group in filled.findings(**wanted).groups()] == tables


def test_a_table_that_is_not_in_the_plan_is_refused(decision_database: DecisionDatabase) -> None:
    with pytest.raises(UnknownTable):
        decision_database.findings(table="nothing")


def test_a_document_says_how_many_it_leaves_out(filled: DecisionDatabase) -> None:
    told = listing.document(filled.findings(), 5)
    assert (len(told["rows"]), told["left_out"]) == (5, 36)
    assert {group["table"]: group["open"] for group in told["findings"]} == {"folk": 20, "letters": 20, "parts": 1}


@pytest.mark.parametrize("kept", [10_000, 1])
def test_references_into_another_tenant_are_found_decided_and_listed(
    decision_database: DecisionDatabase, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(checks, "KEPT", kept)
    across = Check("across", probes.references_across_tenants(decision_database.plan), Severity.WARN, kind="reference")
    decision_database.forget()
    decision_database.fill(5)
    decision_database.run()
    decision_database.session.execute("UPDATE public.folk SET tenant_id = %(two)s", {"two": TWO})
    decision_database.session.execute("UPDATE public.letters SET tenant_id = %(two)s", {"two": TWO})
    decision_database.session.execute("UPDATE public.folk SET tenant_id = %(other)s WHERE id < 4", {"other": STRANGER})
    run = decision_database.session.value("SELECT max(id) FROM vital.run")
    record = PhaseRecord(decision_database.session, run, "005_post_validation").step(across.name, "")
    found = checks.ask(decision_database.session, across)
    checks.keep(decision_database.session, across, record, found.problems)
    record.close(checks.outcome_of(across, found))
    phases = [Phase("005_post_validation", "", (across,))]

    def rows() -> dict[str, str]:
        listed = listing.Findings(decision_database.session, decision_database.plan, phases, listing.Wanted())
        [group] = listed.groups()
        return {row["key"]: row["state"] for row in listed.rows(group)}

    assert found.count == 3
    assert rows() == {"1": "open", "2": "open", "3": "open"}
    decision_database.decide(*said("letters", [1, 2], "one"))
    assert rows() == {"1": "decided", "2": "decided", "3": "open"}


# --- the file ---


def test_the_file_goes_out_and_comes_back_filled_in(filled: DecisionDatabase, tmp_path: Path) -> None:
    file = tmp_path / "findings.csv"
    assert csv_files.write(file, listing.to_decide(filled.findings())) == 41
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["table", "key", "check", "message", "tenant", "reason"]
    assert {(row["tenant"], row["reason"]) for row in rows} == {("", "")}
    for row in rows:
        if row["table"] in ("folk", "parts"):
            row |= {"tenant": "two", "reason": "as listed"}
    back = tmp_path / "filled in.csv"
    with back.open("w", encoding="utf-8", newline="") as lines:  # as spreadsheets of half of the world do
        writer = csv.DictWriter(lines, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)

    done = filled.decide_all(lambda: csv_files.read(back))

    assert done["decisions"] == {"new": 21, "unchanged": 0, "left_empty": 20, "overruled": 0}
    assert set(filled.tenants().values()) == {"two"}
    assert filled.tenants("parts", "code")["unknown"] == "two"


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "filled in.csv"
    file.write_text("an hour of work")
    with pytest.raises(FileExistsError):
        csv_files.write(file, [])
    assert file.read_text() == "an hour of work"


def test_half_a_file_is_not_left(tmp_path: Path) -> None:
    def rows() -> Iterator[dict[str, str]]:
        yield {"table": "folk", "key": "1"}
        raise ConnectionError

    with pytest.raises(ConnectionError):
        csv_files.write(tmp_path / "half.csv", rows())
    assert not list(tmp_path.iterdir())


SIGNS = ["=", "+", "-", "@", "\t", "\r", "\n", "'", '"', ",", ";", " ", "a", "é", "1"]
cells = st.text(st.sampled_from(SIGNS), max_size=6)


@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cell_is_a_formula_and_every_key_comes_back(rows: list[tuple[str, str]], tmp_path: Path) -> None:
    file = tmp_path / "cells.csv"
    file.unlink(missing_ok=True)
    given = [{"table": "t", "key": key, "check": "c", "message": message} for key, message in rows]

    csv_files.write(file, given)

    with file.open(encoding="utf-8-sig", newline="") as lines:
        written = list(csv.reader(lines))
    assert not [cell for row in written for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert [decision.key for decision in csv_files.read(file)] == [key for key, _ in rows]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it has no column table, key, tenant, reason"),
        (b"table,key,tenant\nfolk,1,two\n", "it has no column reason"),
        (b'table,key,tenant,reason\nfolk,"1,two,r\n', "unexpected end of data"),
        (b"table,key,tenant,reason\nfolk,1,two,\xff\n", "'utf-8' codec can't decode"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "wrong.csv"
    file.write_bytes(content)
    with pytest.raises(UnreadableSheet, match=reason):
        list(csv_files.read(file))


def test_lines_are_numbered_as_an_editor_does(tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text('Key,Table,Reason,Tenant\n1,folk,"over\ntwo lines",two\n\n2,folk,r,two\n', encoding="utf-8")
    assert [(each.line, each.key, each.tenant) for each in csv_files.read(file)] == [(2, "1", "two"), (5, "2", "two")]
