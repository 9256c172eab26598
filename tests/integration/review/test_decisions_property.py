"""Any sequence of decisions, withdrawals, runs and undos, and many decisions at once."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrations_ops.review import apply, csv_files, decide
from tests.support.decision_database import DecisionDatabase, said, take_back

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
    decision_database: DecisionDatabase, acts: list[tuple[str, set[int], str]]
) -> None:
    decision_database.forget()
    decision_database.fill(6)
    decision_database.run()
    wanted: dict[str, str | None] = dict.fromkeys("123456")
    for act, keys, tenant in acts:
        if act == "decide":
            decision_database.decide(*said("folk", sorted(keys), tenant))
            wanted |= dict.fromkeys(map(str, keys), tenant)
        elif act == "withdraw":
            for key in (str(key) for key in keys if wanted[str(key)]):
                take_back(decision_database, "folk", key)
                wanted[key] = None
        else:
            if act == "undo and run":
                assert decision_database.undo() == []
            decision_database.run()
        assert decision_database.tenants() == wanted
    decision_database.run()
    letters = decision_database.tenants("letters")
    assert {key: letters[key] for key, tenant in wanted.items() if tenant} == {k: t for k, t in wanted.items() if t}
    assert decision_database.undo() == []
    assert set(decision_database.tenants().values()) == set(decision_database.tenants("letters").values()) == {None}


@pytest.mark.slow
def test_many_decisions_take_no_more_memory(
    decision_database: DecisionDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (decide, apply):
        monkeypatch.setattr(module, "AT_ONCE", 500)
    peaks = []
    for number, count in enumerate((1_000, 5_000)):
        decision_database.forget()
        decision_database.fill(count)
        decision_database.run()
        file = tmp_path / f"{number}.csv"
        with file.open("w", encoding="utf-8") as lines:
            lines.write("table,key,tenant,reason\n")
            lines.writelines(f"folk,{key},two,they said so\n" for key in range(1, count + 1))
        tracemalloc.start()
        done = decision_database.decide_all(lambda file=file: csv_files.read(file))  # type: ignore[misc]  # bound now
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert done["carried_out"] == count
    assert set(decision_database.tenants().values()) == {"two"}
    assert peaks[1] < 1.5 * peaks[0], peaks
