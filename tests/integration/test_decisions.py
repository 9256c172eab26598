"""A person decides about rows: at once, all or none, over every rule, through undo and run; and can take it back."""

import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrations_ops.review import apply, csv_files, decide, withdraw
from migrations_ops.review.decide import DecidedMeanwhile, Decision, NotToDecide
from migrations_ops.review.withdraw import NotDecided, NowhereToGo
from migrations_ops.rules.compile import BY_PERSON
from migrations_ops.rules.load import load
from tests.support import decision_database
from tests.support.command_results import Manage
from tests.support.decision_database import ONE, TWO, DecisionDatabase, said, unexpected
from vital.errors import EngineError, ReasonRequired, UnknownTable

QUOTED = """["a \\"quoted\\", 100% one", "2"]"""


@pytest.fixture(scope="module")
def furnished(server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecisionDatabase]:
    with decision_database.created(server_url, manage, tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.fixture
def at(furnished: DecisionDatabase) -> DecisionDatabase:
    """Ten people, their letters, three parts; 004 is done and knows two parts."""
    furnished.forget()
    furnished.fill(10)
    assert furnished.run() == 2
    return furnished


def memory(at: DecisionDatabase) -> list[object]:
    """Everything that a refused decision must leave alone."""
    tables = ("override", "audit", "ledger", "redecision")
    kept = [at.session.execute(f"SELECT * FROM vital.{name} ORDER BY id") for name in tables]
    return [*kept, at.tenants(), at.tenants("parts", "code")]


# --- deciding ---


def test_a_decision_is_carried_out_at_once_and_says_who(at: DecisionDatabase) -> None:
    before = at.last_audited()

    done = at.decide(*said("folk", [3], "two", "her contract"))

    assert (done["carried_out"], done["waits"]) == (1, None)
    assert done["moves"] == [{"table": "folk", "from": None, "to": "two", "rows": 1}]
    assert {key for key, tenant in at.tenants().items() if tenant} == {"3"}
    assert at.standing("public.folk") == [("3", BY_PERSON, None, TWO, "ada")]
    facts = {"table": "public.folk", "key": "3", "from": None, "to": TWO}
    assert at.audited(before) == [("ada", "decide", "her contract", facts)]


def test_what_is_in_the_audit_stays(at: DecisionDatabase) -> None:
    at.decide(*said("folk", [1], "one"))
    for change in ("UPDATE vital.audit SET who = 'nobody'", "DELETE FROM vital.audit"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            at.session.execute(change)


def test_the_counters_and_the_proof_are_the_engines(at: DecisionDatabase) -> None:
    at.decide(*said("folk", [1, 2, 9], "one"))
    [(seen, changed, foreign)] = at.session.execute(
        "SELECT rows_seen, rows_changed, foreign_writes FROM vital.step_run WHERE step = 'decisions about folk'"
    )
    assert (seen, changed, foreign) == (3, 3, 0)


def test_undo_gives_the_row_back_and_the_next_run_decides_it_again(at: DecisionDatabase) -> None:
    at.decide(*said("folk", [1, 2], "one"), *said("parts", ['["known", "1"]'], "two"))
    at.decide(*said("folk", [2], ONE.upper(), "by its id, for another reason"))
    at.run()
    assert (at.tenants()["2"], at.tenants("letters")["2"]) == ("one", "one")

    assert at.undo() == []
    assert set(at.tenants().values()) == {None}
    assert set(at.tenants("parts", "code").values()) == set(at.tenants("letters").values()) == {None}

    at.run()
    assert {key for key, tenant in at.tenants().items() if tenant == "one"} == {"1", "2"}
    assert at.tenants("parts", "code")["known"] == "two"
    assert at.run() == 0


def test_no_rule_overrules_a_person_also_when_the_rules_change(at: DecisionDatabase, tmp_path: Path) -> None:
    at.decide(*said("parts", ['["known", "1"]'], "two"))
    file = tmp_path / "other.toml"
    file.write_text(
        decision_database.PLAN.replace('name = "known parts"', 'name = "known parts, again"'), encoding="utf-8"
    )

    changed = DecisionDatabase(at.session, load(file), at.scratch)

    changed.run()
    assert at.tenants("parts", "code") == {"known": "two", 'a "quoted", 100% one': "one", "unknown": None}
    assert changed.run() == 0


def test_before_004_it_waits_for_the_run(furnished: DecisionDatabase) -> None:
    furnished.forget()
    furnished.fill(3)

    done = furnished.decide(*said("folk", [1], "two"))

    assert (done["carried_out"], done["waits"]) == (0, apply.LATER)
    assert furnished.tenants()["1"] is None
    furnished.run()
    assert (furnished.tenants()["1"], furnished.tenants("letters")["1"]) == ("two", "two")


def test_while_a_run_is_at_work_it_waits_for_it(at: DecisionDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vital.db.session.NOTICED_WITHIN_SECONDS", 0)
    another = at.another()
    with another.run_lock():
        done = at.decide(*said("folk", [1], "two"))
    another.close()

    assert done["carried_out"] == 0
    assert "Another run is active" in done["waits"]
    assert at.run() == 2, "the person and the letter"
    assert at.tenants()["1"] == "two"


@pytest.mark.parametrize("spelled", [QUOTED, QUOTED.replace('", "', '","'), QUOTED.replace('"2"', '"02"')])
def test_a_key_of_several_columns_is_spelled_as_explain_spells_it(at: DecisionDatabase, spelled: str) -> None:
    at.decide(*said("public.parts", [spelled], "two"))
    assert at.tenants("parts", "code")['a "quoted", 100% one'] == "two"
    assert at.session.value("SELECT key FROM vital.override") == QUOTED


# --- all or none ---


def test_every_line_that_does_not_hold_is_listed_and_nothing_is_written(at: DecisionDatabase, tmp_path: Path) -> None:
    lines = {
        "folk,1,two,fine": "",
        "folks,1,two,r": "the plan has no table folks",
        "folk,2,three,r": "there is no tenant three",
        "folk,3,two,": "there is no reason",
        "folk,4,,r": "there is no tenant (empty)",
        ",5,nobody,": "the plan has no table (empty); there is no tenant nobody; there is no reason",
        "folk,11,two,r": "folk has no such row",
        "folk,eleven,two,r": "folk has no such row",
        "folk,'=1+1,two,r": "folk has no such row",
        "folk,,two,r": "folk has no such row",
        "folk,01,one,again": "a line before it is about the same row",
        "folk,7,,": "",
        'parts,"[""known""]",two,r': "parts has no such row",
        "parts,known,two,r": "parts has no such row",
    }
    file = tmp_path / "decisions.csv"
    file.write_text("\n".join(["table,key,tenant,reason", *lines]), encoding="utf-8")
    before = memory(at)

    with pytest.raises(NotToDecide) as refused:
        at.decide_all(lambda: csv_files.read(file))

    wanted = [f"line {number}: {wrong}" for number, wrong in enumerate(lines.values(), start=2) if wrong]
    assert [problem.message for problem in refused.value.facts["problems"]] == wanted
    assert refused.value.exit_code == 2
    assert memory(at) == before


def test_a_row_that_is_given_twice_is_noticed_over_any_distance(
    at: DecisionDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "AT_ONCE", 2)
    before = memory(at)
    with pytest.raises(NotToDecide) as refused:
        at.decide(*said("folk", [1, 2, 3, "nonsense", 4, 5, 1, "005"], "one"))
    assert [problem.message.split(":")[0] for problem in refused.value.facts["problems"]] == [
        "line 5",
        "line 8",
        "line 9",
    ]
    assert memory(at) == before


def test_a_tenant_that_has_the_same_unique_key_cannot_get_the_row(at: DecisionDatabase) -> None:
    at.decide(*said("folk", [1], "two"))
    at.session.execute("UPDATE public.folk SET name = 'name 1' WHERE id = 2")
    with pytest.raises(NotToDecide) as refused:
        at.decide(*said("folk", [2], "two"))
    assert "same unique key" in refused.value.facts["problems"][0].message
    at.decide(*said("folk", [2], "one"))
    assert at.tenants()["2"] == "one"


def test_a_dry_run_says_what_it_comes_to_and_writes_nothing(at: DecisionDatabase) -> None:
    at.decide(*said("folk", [1], "one"))
    before = memory(at)

    shown = at.decide(*said("folk", [1, 2, 3], "two"), Decision(9, "folk", "4", "", ""), dry_run=True)

    assert shown["decisions"] == {"new": 3, "unchanged": 0, "left_empty": 1, "overruled": 1}
    assert {(move["from"], move["to"], move["rows"]) for move in shown["moves"]} == {
        ("one", "two", 1),
        (None, "two", 2),
    }
    assert memory(at) == before


def test_what_is_decided_already_is_not_decided_again(at: DecisionDatabase) -> None:
    at.decide(*said("folk", [1, 2], "one"))
    before = at.last_audited()
    done = at.decide(*said("folk", [1, 2, 3], "one"), who="bob")
    assert done["decisions"] | {"new": 1, "unchanged": 2} == done["decisions"]
    assert [facts["key"] for *_, facts in at.audited(before)] == ["3"]
    assert at.session.execute("SELECT decided_by FROM vital.override ORDER BY key") == [("ada",), ("ada",), ("bob",)]


def test_a_token_of_what_was_shown_is_for_that_alone(at: DecisionDatabase) -> None:
    lines = said("folk", [1, 2], "one")
    token = at.decide(*lines, dry_run=True)["token"]
    with pytest.raises(DecidedMeanwhile):
        at.decide(*said("folk", [1, 2], "two"), seen=token)
    at.decide(*said("folk", [2], "two"), who="bob")
    before = memory(at)
    with pytest.raises(DecidedMeanwhile):
        at.decide(*lines, seen=token)
    assert memory(at) == before
    at.decide(*lines, seen=at.decide(*lines, dry_run=True)["token"])
    assert at.tenants()["2"] == "one"


def test_two_people_decide_one_after_the_other(at: DecisionDatabase) -> None:
    """The second one, who was shown the row before the first decided, waits and is told."""
    lines = said("folk", [1], "one")
    token = at.decide(*lines, dry_run=True)["token"]
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> Iterator[Decision]:
        begun.set()
        assert go_on.wait(10)
        yield from said("folk", [1], "two")

    other = DecisionDatabase(at.another(), at.plan, at.scratch)
    first = threading.Thread(target=other.decide_all, args=(slowly, "bob"))
    first.start()
    assert begun.wait(10)
    waited: list[str] = []

    def waiting(why: str) -> None:
        waited.append(why)
        go_on.set()
        first.join(10)

    with pytest.raises(DecidedMeanwhile):
        decide.record(at.session, at.plan, lambda: lines, "ada", seen=token, dry_run=False, waiting=waiting)

    other.session.close()
    assert "vital.override" in waited[0]
    assert at.tenants()["1"] == "two"
    assert at.session.execute("SELECT decided_by FROM vital.override") == [("bob",)]


# --- what follows a row ---


def test_what_follows_a_row_is_decided_by_the_next_run_and_goes_with_it_again(at: DecisionDatabase) -> None:
    at.decide(*said("folk", [1, 2, 3], "one"), *said("letters", [3], "one"))
    assert at.tenants("letters")["1"] is None
    assert at.run() == 2
    at.decide(*said("folk", [1, 3], "two"))
    assert at.tenants("letters")["1"] == "one", "until the next run"

    at.run()

    assert [at.tenants("letters")[key] for key in "123"] == ["two", "one", "one"], (
        "the third letter was decided by itself"
    )
    assert at.run() == 0
    at.session.execute("UPDATE public.letters SET tenant_id = %(two)s WHERE id = 9", {"two": TWO})
    at.decide(*said("folk", [9], "one"))
    at.run()
    assert at.tenants("letters")["9"] == "two", "an application wrote it so, and no rule moves it"


# --- taking it back ---


def take_back(at: DecisionDatabase, table: str, key: str, reason: str = "mistaken") -> dict[str, object]:
    return withdraw.withdraw(at.session, at.plan, table, key, "bob", reason, unexpected)


def test_a_row_that_had_no_tenant_has_none_again(at: DecisionDatabase) -> None:
    at.decide(*said("folk", [1], "one"))
    at.decide(*said("folk", [1], "two"))
    before = at.last_audited()

    done = take_back(at, "folk", "01")

    assert (done["to"], done["moved"]) == (None, True)
    assert at.tenants()["1"] is None
    assert at.session.execute("SELECT FROM vital.override") == []
    facts = {"table": "public.folk", "key": "1", "from": TWO, "to": None}
    assert at.audited(before) == [("bob", "withdraw", "mistaken", facts)]
    assert at.run() == 0, "it is a finding again"
    [group] = at.findings(table="folk").groups()
    assert (group.open, group.decided) == (10, 0)
    assert at.undo() == []
    assert set(at.tenants().values()) == {None}


def test_a_row_that_a_rule_had_decided_goes_back_to_that(at: DecisionDatabase) -> None:
    at.decide(*said("parts", ['["known", "1"]'], "two"))
    assert take_back(at, "parts", '["known", "1"]')["to"] == ONE
    assert at.tenants("parts", "code")["known"] == "one"
    assert at.run() == 0
    at.decide(*said("parts", ['["known", "1"]'], "two"))
    assert take_back(at, "parts", '["known", "1"]')["to"] == ONE


def test_a_row_that_was_decided_before_any_rule_goes_where_the_rules_put_it(furnished: DecisionDatabase) -> None:
    furnished.forget()
    furnished.fill(1)
    furnished.decide(*said("parts", ['["known", "1"]'], "two"))
    furnished.run()
    furnished.decide(*said("parts", ['["unknown", "3"]'], "one"))
    furnished.session.execute("ALTER TABLE public.parts ALTER tenant_id SET NOT NULL")

    done = take_back(furnished, "parts", '["known", "1"]')

    assert (done["to"], done["rule"]) == (ONE, "known parts")
    assert furnished.tenants("parts", "code")["known"] == "one"


def test_where_the_table_demands_a_tenant_the_row_has_nowhere_to_go(at: DecisionDatabase) -> None:
    at.decide(*said("folk", range(1, 11), "one"))
    at.session.execute("ALTER TABLE public.folk ALTER tenant_id SET NOT NULL")
    before = memory(at)
    with pytest.raises(NowhereToGo):
        take_back(at, "folk", "1")
    assert memory(at) == before


def test_a_row_that_somebody_has_moved_or_deleted_since_is_left_alone(at: DecisionDatabase) -> None:
    at.decide(*said("folk", [1, 2], "one"))
    at.session.execute("UPDATE public.folk SET tenant_id = %(two)s WHERE id = 1", {"two": TWO})
    at.session.execute("DELETE FROM public.letters WHERE id = 2")
    at.session.execute("DELETE FROM public.folk WHERE id = 2")
    assert [take_back(at, "folk", key)["moved"] for key in "12"] == [False, False]
    assert at.tenants()["1"] == "two"
    assert at.session.execute("SELECT FROM vital.override") == []


@pytest.mark.parametrize(
    ("table", "key", "reason", "error"),
    [
        ("folk", "1", "r", NotDecided),
        ("folk", "x", "r", NotDecided),
        ("folk", "2", " ", ReasonRequired),
        ("no", "1", "r", UnknownTable),
    ],
)
def test_what_cannot_be_taken_back_is_said(
    at: DecisionDatabase, table: str, key: str, reason: str, error: type[EngineError]
) -> None:
    at.decide(*said("folk", [2], "one"))
    before = memory(at)
    with pytest.raises(error):
        take_back(at, table, key, reason)
    assert memory(at) == before


# --- whatever people do ---

acts = st.lists(
    st.tuples(
        st.sampled_from(["decide", "decide", "withdraw", "run", "undo and run"]),
        st.sets(st.integers(1, 6), min_size=1, max_size=3),
        st.sampled_from(["one", "two"]),
    ),
    max_size=5,
)


@given(acts=acts)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_rows_are_where_people_said_and_undo_restores_all(
    furnished: DecisionDatabase, acts: list[tuple[str, set[int], str]]
) -> None:
    furnished.forget()
    furnished.fill(6)
    furnished.run()
    wanted: dict[str, str | None] = dict.fromkeys("123456")
    for act, keys, tenant in acts:
        if act == "decide":
            furnished.decide(*said("folk", sorted(keys), tenant))
            wanted |= dict.fromkeys(map(str, keys), tenant)
        elif act == "withdraw":
            for key in (str(key) for key in keys if wanted[str(key)]):
                take_back(furnished, "folk", key)
                wanted[key] = None
        else:
            if act == "undo and run":
                assert furnished.undo() == []
            furnished.run()
        assert furnished.tenants() == wanted
    furnished.run()
    letters = furnished.tenants("letters")
    assert {key: letters[key] for key, tenant in wanted.items() if tenant} == {k: t for k, t in wanted.items() if t}
    assert furnished.undo() == []
    assert set(furnished.tenants().values()) == set(furnished.tenants("letters").values()) == {None}


# --- many ---


def test_many_decisions_take_no_more_memory(
    furnished: DecisionDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (decide, apply):
        monkeypatch.setattr(module, "AT_ONCE", 500)
    peaks = []
    for number, count in enumerate((1_000, 5_000)):
        furnished.forget()
        furnished.fill(count)
        furnished.run()
        file = tmp_path / f"{number}.csv"
        with file.open("w", encoding="utf-8") as lines:
            lines.write("table,key,tenant,reason\n")
            lines.writelines(f"folk,{key},two,they said so\n" for key in range(1, count + 1))
        tracemalloc.start()
        done = furnished.decide_all(lambda file=file: csv_files.read(file))  # type: ignore[misc]  # bound now
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert done["carried_out"] == count
    assert set(furnished.tenants().values()) == {"two"}
    assert peaks[1] < 1.5 * peaks[0], peaks
