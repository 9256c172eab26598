"""A comparison in figures: by table what there is, what was done, and what is left with its reason."""

from typing import Any

from migrations_ops.tenant_restore.comparison import Comparison
from migrations_ops.tenant_restore.tables import Staged, ask

Document = dict[str, Any]
KINDS = ("changed", "deleted", "added", "moved", "arrived")
ELSEWHERE = "belongs to another tenant now; tenants move gives it back"


def by_table(found: Comparison) -> list[Document]:
    """A document for each table that was asked for, or of which rows are needed."""
    documents = [_of(found, table) for table in found.tables]
    return [document for document in documents if document.pop("asked") or document["followed"]]


def remaining(found: Comparison) -> int:
    """How many rows are to be written."""
    kinds = {"kinds": ["changed", "deleted", "added"]}
    with found.session.work():
        return sum(
            ask(found.session, "rows_to_write", kinds, differences=table.differences)[0][0] for table in found.tables
        )


def _of(found: Comparison, table: Staged) -> Document:
    """`changed`, `deleted` and `added` are what there is to do or was; `done` what was done by kind, `not_restored` why
    rows stay as they are. Rows that were not asked for are left out, but ones added since, which stay."""
    document: Document = dict.fromkeys(KINDS, 0)
    done, reasons, followed = dict.fromkeys(KINDS[:3], 0), list[Document](), 0
    with found.session.work():
        for kind, chosen, is_done, is_followed, why, rows, keys in ask(
            found.session, "differences_by_kind", differences=table.differences
        ):
            if kind == "deleted" and not chosen:
                continue
            document[kind] += rows
            followed += rows * is_followed
            if is_done:
                done[kind] += rows
            reason = ELSEWHERE if kind == "moved" else why
            if reason:
                reasons.append({"kind": kind, "reason": reason, "rows": rows, "keys": keys})
        ((since, first),) = ask(
            found.session, "still_differ", now=table.text("t", table.compared), then=table.text("s", table.compared),
            same_row=table.same_row("t", "s"), key=table.key_text("s"), **{k: table.parts[k] for k in _NAMED},
        )  # fmt: skip
    about = {"name": table.name, "asked": table.asked, "in_backup": table.rows, "notes": table.notes}
    after = {"done": done, "not_restored": reasons, "written_since": since, "written_keys": first or []}
    return about | document | {"followed": followed} | after


_NAMED = ("stage", "relation", "differences")
