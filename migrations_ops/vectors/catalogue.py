"""Which approximate indexes there are on the tables of a plan, and which vectors have none."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.rules.model import Plan
from vital.db import sql
from vital.db.sql import shown

QUERIES = sql.load(Path(__file__).parent / "sql")
METRICS = {
    "<->": "L2 distance",
    "<#>": "inner product",
    "<=>": "cosine distance",
    "<+>": "L1 distance",
    "<~>": "Hamming distance",
    "<%>": "Jaccard distance",
}
# What may be set for a scan, by the access method that it is of.
SETTINGS = {
    "hnsw": ("hnsw.iterative_scan", "hnsw.ef_search", "hnsw.max_scan_tuples", "hnsw.scan_mem_multiplier"),
    "ivfflat": ("ivfflat.iterative_scan", "ivfflat.probes", "ivfflat.max_probes"),
}


@dataclass(frozen=True)
class VectorIndex:
    """One approximate index. `relation` is the plan's table, `stands_on` that or its partition; `vector` is the column
    or expression as the catalogue prints it; `rows` is the planner's estimate."""

    relation: str
    stands_on: str
    schema: str
    name: str
    method: str
    vector: str
    operator_class: str
    operator_schema: str
    operator: str
    kind: str
    is_valid: bool
    predicate: str | None
    size: int
    lists: int
    rows: int

    @property
    def full_name(self) -> str:
        return sql.spelled(self.schema, self.name)

    @property
    def metric(self) -> str:
        return METRICS.get(self.operator, self.operator)

    @property
    def is_measurable(self) -> bool:
        """Whether a question to the plan's table may be answered by it: a part of the rows is another subject."""
        return self.is_valid and self.predicate is None and self.stands_on == self.relation

    def parts(self) -> dict[str, Composable]:
        """What statements about it are composed of. The table is named as it is called, the rest as the catalogue
        prints it."""
        operator = sql.compose(
            "OPERATOR({schema}.{operator})",
            schema=sql.ident(self.operator_schema),
            operator=sql.verbatim(self.operator),
        )
        return {
            "relation": sql.relation(self.relation),
            "vector": sql.verbatim(self.vector),
            "operator": operator,
            "kind": sql.verbatim(self.kind),
        }

    def document(self) -> dict[str, Any]:
        return {
            "table": shown(self.stands_on),
            "index": self.name,
            "method": self.method,
            "column": self.vector,
            "operator_class": self.operator_class,
            "metric": self.metric,
            "bytes": self.size,
            "valid": self.is_valid,
            "where": self.predicate,
        }


@dataclass(frozen=True)
class Extension:
    """Where pgvector is, its version, and the settings that it has here with the values in force."""

    schema: str
    version: str
    settings: dict[str, str]

    @property
    def goes_on(self) -> bool:
        """Whether a scan can go on until enough rows have passed the policies: from 0.8 on."""
        return "hnsw.iterative_scan" in self.settings


def extension(session: Session) -> Extension | None:
    """None where it is not installed."""
    found = session.execute(QUERIES["vector_extension"])
    if not found:
        return None
    schema, version = found[0]
    session.execute(sql.compose(QUERIES["load_vector"], schema=sql.ident(schema)))
    names = [name for names in SETTINGS.values() for name in names]
    return Extension(schema, version, dict(session.execute(QUERIES["vector_settings"], {"names": names})))


def indexes(session: Session, plan: Plan) -> list[VectorIndex]:
    return [VectorIndex(*row) for row in session.execute(QUERIES["approximate_indexes"], _tables(plan))]


def can_be_measured(session: Session, plan: Plan) -> bool:
    """Whether a table of the plan has an approximate index whose recall can be measured."""
    return extension(session) is not None and any(index.is_measurable for index in indexes(session, plan))


def without_index(session: Session, plan: Plan) -> Iterator[dict[str, Any]]:
    """Columns of vectors that are always compared one by one."""
    for table, column, kind, rows in session.execute(QUERIES["vectors_without_index"], _tables(plan)):
        yield {"table": shown(table), "column": column, "type": kind, "rows": rows}


def _tables(plan: Plan) -> dict[str, Any]:
    return {"tables": [spec.relation for spec in plan.tables]}
