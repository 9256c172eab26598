"""What somebody should know of approximate indexes who does not measure just now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrations_ops.engine.session import Session
from migrations_ops.rules.model import Plan
from migrations_ops.vectors import catalogue, records
from vital.db.sql import shown

MEASURE, MEND = "./manage.py migrate_tenants vectors", "./manage.py migrate_tenants vectors --yes"
UNFINISHED = "Drop {index} CONCURRENTLY, and build it again."
MANY = 50_000  # rows that are compared one by one at each question


@dataclass(frozen=True)
class Concern:
    """What was seen, and what to do."""

    seen: str
    fix: str


def concerns(session: Session, plan: Plan) -> Iterator[Concern]:
    """Indexes that give tenants too little, were not measured, or are missing or not finished. A few questions of the
    catalogue."""
    indexes = catalogue.indexes(session, plan)
    last = (records.last(session) if indexes else None) or {}
    known: Mapping[str, Any] = last.get("indexes", {})
    for index in indexes:
        if not index.is_valid:
            yield Concern(
                f"{index.name} on {shown(index.stands_on)} is not valid: it answers nobody",
                UNFINISHED.format(index=index.full_name),
            )
        elif index.is_measurable:
            yield from _of_index(index, known.get(records.name_of(index.document())), last)
    for one in catalogue.without_index(session, plan):
        if one["rows"] >= MANY:
            about = f"{one['table']}.{one['column']} has about {one['rows']:,} vectors and no approximate index"
            yield Concern(about, f"Where answers take too long, build one CONCURRENTLY, USING hnsw; then {MEASURE}")


def worst_recall(session: Session) -> float | None:
    """Of a tenant, when it was last measured."""
    last = records.last(session) or {}
    return min((one["recall"] for one in last.get("indexes", {}).values()), default=None)


def _of_index(
    index: catalogue.VectorIndex, known: Mapping[str, Any] | None, last: Mapping[str, Any]
) -> Iterator[Concern]:
    about = f"{index.name} on {shown(index.relation)}"
    if known is None:
        yield Concern(f"nobody has measured what {about} gives each tenant of its nearest rows", MEASURE)
    elif known["below"]:
        worst = f"{known['tenant']} {known['recall']:.2f}"
        yield Concern(
            f"{about} gives {known['below']} of {known['measured']} tenants less than {last['wanted']:g} of their"
            f" nearest rows, the worst {worst} ({last['at']})",
            MEND,
        )
