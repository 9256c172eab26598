"""The last measurement, for those who ask later. It is an event in the audit, which nobody changes."""

from collections.abc import Mapping
from typing import Any

from migrations_ops.engine.session import Session
from migrations_ops.vectors.catalogue import QUERIES
from tenants import audit
from vital.db.own_schema import me

ACTION = "vectors"


def note(session: Session, document: dict[str, Any]) -> None:
    """What was measured, without the figures of every tenant."""
    audit.note(session, me(), ACTION, "recall was measured", summary(document))


def note_change(session: Session, what: str, names: list[str]) -> None:
    """What was built, or withdrawn, in the audit as well."""
    audit.note(session, me(), f"{ACTION} {what}", "migrate_tenants vectors", {"changes": names})


def summary(document: dict[str, Any]) -> dict[str, Any]:
    """Index → the worst recall, whose it is, and how many tenants are given too little."""
    found = {}
    for one in document.get("after", document["indexes"]):
        known = [tenant for tenant in one.get("tenants", ()) if "recall" in tenant]
        if known:
            worst = min(known, key=lambda tenant: tenant["recall"])
            found[name_of(one)] = {
                "recall": worst["recall"],
                "tenant": worst["name"],
                "below": one["below"],
                "measured": len(one["tenants"]),
            }
    return {"wanted": document["wanted"], "indexes": found}


def name_of(index: Mapping[str, Any]) -> str:
    """How an index is called in the summary."""
    return f"{index['table']}.{index['index']}"


def last(session: Session) -> dict[str, Any] | None:
    """The summary of the last measurement, with `at`; None where there was none."""
    if not session.named("has_audit")[0][0]:
        return None
    found = session.execute(QUERIES["last_measurement"], {"action": ACTION})
    return found[0][1] | {"at": found[0][0].isoformat(timespec="seconds")} if found else None
