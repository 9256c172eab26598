"""A report has room for a dozen tenants: those with most rows, and the others together. Nothing is lost in the sums."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from migrations_ops.reports.sections import MOST, rows_by_tenant, sections

amounts = st.dictionaries(st.sampled_from([f"tenant-{n}" for n in range(3 * MOST)]), st.integers(1, 5_000))


def document(tables: dict[str, dict[str, int]]) -> dict[str, Any]:
    """A report that has nothing but rows of these tables and tenants."""
    tenants = sorted({tenant for owned in tables.values() for tenant in owned})
    sums = {tenant: sum(owned.get(tenant, 0) for owned in tables.values()) for tenant in tenants}
    listed = [{"table": name, "tenants": owned, "rows": sum(owned.values())} for name, owned in tables.items()]
    empty = dict.fromkeys(("acts", "phases", "comparison", "checks", "findings"), ())
    return empty | {
        "run": {"id": 7, "kind": "run"},
        "rows": {"tables": listed, "tenants": sums, "rows": sum(sums.values()), "added": {}},
        "left_out": 0,
        "decisions": {"decisions": [], "all": 0},
        "rehearsal": None,
    }


@given(tables=st.dictionaries(st.sampled_from(["a", "b", "c"]), amounts, min_size=1))
def test_each_line_adds_up_and_the_biggest_are_named(tables: dict[str, dict[str, int]]) -> None:
    told = document(tables)
    [section] = sections(told)
    sums = told["rows"]["tenants"]

    named = [column for column in section.columns[2:] if column in sums]
    left = len(sums) - len(named)

    assert len(named) == min(len(sums), MOST)
    assert named == sorted(named)
    assert all(sums[one] <= min(sums[name] for name in named) for one in sums.keys() - set(named))
    assert section.columns[2 + len(named) :] == ((f"{left:,} others",) if left else ())
    assert section.leaves_tenants_out == bool(left)
    assert section.note == ("Each tenant's rows: ./manage.py migrate_tenants report 7 --json" if left else "")
    for line in section.rows:
        owned = tables.get(line[0], sums)
        figures = [int(cell.replace(",", "") or 0) for cell in line[1:]]
        assert figures[0] == sum(figures[1:]) == sum(owned.values())
        assert figures[1 : 1 + len(named)] == [owned.get(name, 0) for name in named]


@given(tables=st.dictionaries(st.sampled_from(["a", "b", "c"]), amounts, min_size=1))
def test_every_tenant_has_a_line_of_its_own(tables: dict[str, dict[str, int]]) -> None:
    told = document(tables)
    sums = told["rows"]["tenants"]

    section = rows_by_tenant(told)

    assert section.columns == ("tenant", "rows", *tables)
    assert sorted(line[0] for line in section.rows) == sorted(sums)
    totals = [int(line[1].replace(",", "")) for line in section.rows]
    assert totals == sorted(totals, reverse=True)
    for tenant, total, *cells in section.rows:
        assert [int(cell.replace(",", "") or 0) for cell in cells] == [
            owned.get(tenant, 0) for owned in tables.values()
        ]
        assert total == f"{sums[tenant]:,}"
