"""A run's report as sections of words: what the page and the terminal show alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrations_ops.formatting import count, milliseconds, seconds, size
from vital.moments import moment

Document = dict[str, Any]
Row = tuple[str, ...]
MOST = 12  # tenants with a column of their own, which are those with most rows
KINDS = {"run": "Run", "undo": "Undo", "decide": "Decisions carried out", "restore": "Restore"}


@dataclass(frozen=True)
class Section:
    """A table with its heading. The first `texts` columns are words, the others figures."""

    title: str
    columns: Row
    rows: Sequence[Row]
    texts: int = 1
    sentence: str = ""
    note: str = field(default="", kw_only=True)
    leaves_tenants_out: bool = field(default=False, kw_only=True)  # `rows_by_tenant` has them all


def title(document: Document) -> str:
    run = document["run"]
    return f"{KINDS[run['kind']]} {run['id']} of {document['database']}"


def facts(document: Document) -> list[tuple[str, str]]:
    """What stands above everything else."""
    run, plan = document["run"], document["plan"]
    ended = f", until {moment(run['finished_at'])} ({seconds(run['seconds'])})" if run["finished_at"] else ""
    facts = [
        ("result", run["status"].replace("_", " ")),
        ("started by", run["started_by"]),
        ("started", f"{moment(run['started_at'])}{ended}"),
        ("reason", run["reason"]),
        ("limited to", run["scope"]),
        ("plan", f"digest {plan['digest']}" if plan["digest"] else ""),
        ("database", f"{document['database']}, PostgreSQL {document['server']}"),
        ("error", run["error"]),
        ("checks", check_counts(document)),
    ]
    return [(name, words) for name, words in facts if words]


def check_counts(document: Document) -> str:
    """How many checks passed, warned and failed."""
    outcomes = [check["outcome"] for check in document["checks"]]
    return ", ".join(f"{outcomes.count(one)} {one}" for one in ("PASS", "WARN", "FAIL")) if outcomes else ""


def sections(document: Document) -> Iterator[Section]:
    """Those that have something to say, in reading order."""
    for make in (_actions, _phases, _rows, _added, _comparison, _loud, _findings, _decisions, _forecast, _passed):
        section = make(document)
        if section.rows:
            yield section


def _actions(document: Document) -> Section:
    rows = [(moment(act["at"]), act["who"], act["action"], act["reason"]) for act in document["acts"]]
    return Section("Who did what", ("when", "who", "what", "why"), rows, 4)


def _phases(document: Document) -> Section:
    columns = ("phase", "status", "time", "rows seen", "changed", "findings", "WAL", "longest lock")
    rows = [
        (
            phase["phase"],
            phase["status"].replace("_", " "),
            seconds(phase.get("seconds")),
            *(count(phase.get(name)) for name in ("rows_seen", "rows_changed", "findings")),
            size(phase["wal_bytes"]) if phase.get("wal_bytes") else "",
            milliseconds(phase.get("longest_lock")),
        )
        for phase in document["phases"]
    ]
    failed = "; ".join(f"{phase['phase']}: {phase['error']}" for phase in document["phases"] if phase.get("error"))
    return Section("Phases", columns, rows, 2, failed)


def _rows(document: Document) -> Section:
    owned = document["rows"]["tenants"]
    biggest = set(sorted(owned, key=lambda tenant: -owned[tenant])[:MOST])
    tenants = [tenant for tenant in owned if tenant in biggest]
    others = [f"{len(owned) - MOST:,} others"] if len(owned) > MOST else []
    rows = [_owned(table["table"], table, tenants, others) for table in document["rows"]["tables"]]
    if rows:
        rows.append(_owned("all", document["rows"], tenants, others))
    undo = document["run"]["kind"] == "undo"
    sentence = "Rows that are again as they were, by the tenant that they had been given." if undo else (
        "Rows that this run gave a tenant. Rows that had theirs already and kept it are not among them."
    )  # fmt: skip
    every = f"Each tenant's rows: ./manage.py migrate_tenants report {document['run']['id']} --json" if others else ""
    columns = ("table", "rows", *tenants, *others)
    title = "Rows by table and tenant"
    return Section(title, columns, rows, 1, sentence, note=every, leaves_tenants_out=bool(others))


def rows_by_tenant(document: Document) -> Section:
    """Every tenant's rows of each table, a line each, the tenants with most rows first."""
    tables, owned = document["rows"]["tables"], document["rows"]["tenants"]
    rows = [
        (tenant, f"{owned[tenant]:,}", *(count(table["tenants"].get(tenant)) for table in tables))
        for tenant in sorted(owned, key=lambda one: (-owned[one], one))
    ]
    return Section("Rows by tenant", ("tenant", "rows", *(table["table"] for table in tables)), rows)


def _owned(name: str, table: Document, tenants: list[str], others: list[str]) -> Row:
    shown = [table["tenants"].get(tenant, 0) for tenant in tenants]
    left = [table["rows"] - sum(shown)] if others else []
    return (name, f"{table['rows']:,}", *map(count, [*shown, *left]))


def _added(document: Document) -> Section:
    title = "Rows removed again" if document["run"]["kind"] == "undo" else "Rows added"
    return Section(title, ("table", "rows"), [(name, f"{rows:,}") for name, rows in document["rows"]["added"].items()])


def _comparison(document: Document) -> Section:
    columns = ("table", "content", "fingerprint before", "fingerprint after", "rows before", "after", "foreign writes")
    rows = [
        (
            table["table"],
            "the same" if table["same_content"] else "changed",
            table["fingerprint_before"],
            table["fingerprint_now"],
            f"{table['rows_before']:,}",
            f"{table['rows_now']:,}",
            count(table["foreign"]),
        )
        for table in document["comparison"]
    ]
    sentence = "Every column but the tenant, against the baseline; rows that VITAL itself added are left out."
    return Section("Before and after", columns, rows, 4, sentence)


def _checks(document: Document, title: str, *outcomes: str) -> Section:
    rows = [
        (check["outcome"], check["phase"], check["check"], count(check["findings"]))
        for outcome in outcomes
        for check in document["checks"]
        if check["outcome"] == outcome
    ]
    return Section(title, ("result", "phase", "check", "findings"), rows, 3)


def _loud(document: Document) -> Section:
    return _checks(document, "Checks that failed or warned", "FAIL", "WARN")


def _passed(document: Document) -> Section:
    return _checks(document, "Checks that passed", "PASS")


def _findings(document: Document) -> Section:
    rows = [
        (one["severity"], one["check"], " ".join((one["table"], one["key"])), one["message"])
        for one in document["findings"]
    ]
    more = f"… and {document['left_out']:,} more: ./manage.py migrate_tenants findings" if document["left_out"] else ""
    sentence = "As the store has them today: a later run's checks take the place of those of this one."
    return Section("Findings", ("kind", "check", "row", "what is wrong"), rows, 4, sentence, note=more)


def _decisions(document: Document) -> Section:
    decided = document["decisions"]
    rows = [
        (moment(one["at"]), one["who"], f"{one['table']} {one['key']}", one["tenant"], one["reason"])
        for one in decided["decisions"]
    ]
    more = f"… and {decided['all'] - len(rows):,} earlier ones" if decided["all"] > len(rows) else ""
    return Section("People's decisions", ("when", "who", "row", "tenant", "why"), rows, 5, note=more)


def _forecast(document: Document) -> Section:
    held = document["rehearsal"]
    if held is None:
        return Section("", (), [])
    rows = [
        (
            phase["phase"],
            *(
                words(phase[when].get(name, 0)) or "0"
                for name, words in (("seconds", seconds), ("wal_bytes", size), ("longest_lock", milliseconds))
                for when in ("forecast", "fact")
            ),
        )
        for phase in held["phases"]
    ]
    columns = ("phase", "time forecast", "actual", "WAL forecast", "actual", "lock forecast", "actual")
    return Section("Forecast and result", columns, rows, 1, f"As rehearsed on {moment(held['held_at'])}.")
