"""Recall: how many of the ten nearest rows that a tenant may see it is really given.

An approximate index looks at so many nearest rows of everybody, and row level security then takes away others' rows.
What is left may be fewer than ten, and nobody says so. Each question is put twice, as the tenant: as an application
puts it, and once more without the index.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from psycopg import errors as pg
from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.rules.model import TENANT_COLUMN
from migrations_ops.vectors.catalogue import QUERIES, VectorIndex
from vital.db import sql

NEAREST = 10
ROUNDING = 1e-6  # distances that differ by less are the same: an index may add them up in another order
MORE_THAN_NEEDED = 4  # rows of which the sample is taken, for each that is wanted
Say = Callable[[str], None]


@dataclass(frozen=True)
class Tenant:
    """A tenant with vectors in a table."""

    id: str
    name: str
    rows: int


@dataclass(frozen=True)
class Asking:
    """How is asked: so many questions for a tenant, of so many tenants at most, each within so many seconds."""

    sample: int = 20
    tenants: int = 50
    seconds: float = 10.0


@dataclass(frozen=True)
class Recall:
    """What a tenant was given. `returned` rows came of `expected` in the worst case; times are medians, in
    milliseconds; `plan` is the index by which the server answers, or `exact`. `failed` says why it was not measured."""

    tenant: Tenant
    recall: float = 0.0
    returned: int = 0
    expected: int = 0
    ms: float = 0.0
    exact_ms: float = 0.0
    plan: str = ""
    failed: str = ""

    def document(self) -> dict[str, Any]:
        about = {"tenant": self.tenant.id, "name": self.tenant.name, "rows": self.tenant.rows}
        if self.failed:
            return about | {"failed": self.failed}
        return about | {
            "recall": round(self.recall, 4),
            "returned": self.returned,
            "of": self.expected,
            "ms": round(self.ms, 3),
            "exact_ms": round(self.exact_ms, 3),
            "plan": self.plan,
        }


@dataclass(frozen=True)
class Measured:
    """An index with what its tenants were given; `left_out` are those that were not asked for."""

    index: VectorIndex
    recalls: tuple[Recall, ...] = ()
    left_out: int = 0

    def below(self, wanted: float) -> list[Recall]:
        """The tenants that are given less, or of which nobody knows."""
        return [one for one in self.recalls if one.failed or one.recall < wanted]

    @property
    def worst(self) -> float:
        return min((one.recall for one in self.recalls), default=1.0)


def measured(session: Session, index: VectorIndex, names: Mapping[str, str], asking: Asking, say: Say) -> Measured:
    """Of the tenants with vectors in the index's table."""
    found = [Tenant(key, names.get(key, key), rows) for key, rows in _tenants(session, index)]
    chosen = some_of(found, asking.tenants)
    say(f"{index.name}: asks as {len(chosen):,} of {len(found):,} tenants")
    recalls = [recall_of(session, index, tenant, asking) for tenant in chosen]
    return Measured(index, tuple(recalls), len(found) - len(chosen))


def some_of(tenants: Sequence[Tenant], most: int) -> list[Tenant]:
    """The largest, and of the others evenly from large to small, so that the smallest is among them."""
    if len(tenants) <= most:
        return list(tenants)
    largest = most - most // 2
    others, wanted = tenants[largest:], most - largest
    return [*tenants[:largest], *(others[(number + 1) * len(others) // wanted - 1] for number in range(wanted))]


def _tenants(session: Session, index: VectorIndex) -> list[tuple[str, int]]:
    with session.work():
        return [(key, rows) for key, rows in session.execute(_composed(index, "rows_of_tenants"))]


def _composed(index: VectorIndex, name: str, /, **parts: Composable) -> Composable:
    return sql.compose(QUERIES[name], tenant=sql.ident(TENANT_COLUMN), **index.parts(), **parts)


def recall_of(
    session: Session,
    index: VectorIndex,
    tenant: Tenant,
    asking: Asking,
    settings: Mapping[str, str] | None = None,
    *,
    named: bool = False,
) -> Recall:
    """One tenant, in one transaction that reads, with these settings tried for as long as it lasts. `named`: as an
    application asks that names its tenant as a constant."""
    where: Composable = sql.raw("")
    if named:
        column, key = sql.ident(TENANT_COLUMN), sql.literal(tenant.id)
        where = sql.raw(" ") + sql.compose(QUERIES["naming_the_tenant"], tenant=column, key=key)
    try:
        with as_tenant(session, tenant, asking, settings or {}):
            return _recall(session, index, tenant, asking, _composed(index, "nearest", where=where))
    except pg.QueryCanceled:
        return Recall(tenant, failed=f"a question took longer than {asking.seconds:g} s")


@contextmanager
def as_tenant(session: Session, tenant: Tenant, asking: Asking, settings: Mapping[str, str]) -> Iterator[None]:
    """Be the tenant until the transaction ends, which is always rolled back."""
    with session.connection.transaction(force_rollback=True):
        for name, value in settings.items():
            session.execute(QUERIES["try_setting"], {"name": name, "value": value})
        timeout = str(round(asking.seconds * 1000))
        session.execute(QUERIES["measuring_as"], {"tenant": tenant.id, "timeout": timeout})
        yield


def _recall(session: Session, index: VectorIndex, tenant: Tenant, asking: Asking, statement: Composable) -> Recall:
    session.execute(QUERIES["same_sample"])
    part = min(1.0, MORE_THAN_NEEDED * asking.sample / max(tenant.rows, 1))
    choice = {"tenant": tenant.id, "part": part, "most": asking.sample}
    questions = [text for (text,) in session.execute(_composed(index, "some_vectors"), choice)]
    if not questions:
        return Recall(tenant, failed="the tenant sees none of its vectors")
    plan = _plan(session, statement, questions[0])
    given = [_asked(session, statement, text) for text in questions]
    session.execute(QUERIES["without_approximate_index"])
    exact = [_asked(session, statement, text) for text in questions]
    session.execute(QUERIES["with_indexes_again"])
    pairs = list(zip(given, exact, strict=True))
    returned, expected = min((len(found), len(right)) for (found, _), (right, _) in pairs)
    return Recall(
        tenant,
        recall=fmean(hits(found, right) for (found, _), (right, _) in pairs),
        returned=returned,
        expected=expected,
        ms=median(ms for _, ms in given),
        exact_ms=median(ms for _, ms in exact),
        plan=plan,
    )


def _asked(session: Session, statement: Composable, question: str) -> tuple[list[float], float]:
    """The distances, and the milliseconds that it took. Not prepared: a plan is made for the values at hand."""
    text = statement.as_bytes(session.connection)
    params = {"query": question, "wanted": NEAREST}
    began = time.perf_counter()
    found = session.connection.execute(text, params, prepare=False).fetchall()
    return [distance for (distance,) in found], (time.perf_counter() - began) * 1000


def hits(found: Sequence[float], right: Sequence[float]) -> float:
    """Which part of the right answer was found. Rows at the same distance are equally right, whichever came."""
    if not right:
        return 1.0
    distances = sorted(_number(one) for one in right)
    furthest = distances[-1]
    near = furthest + ROUNDING * max(1.0, abs(furthest)) if math.isfinite(furthest) else furthest
    return min(sum(_number(one) <= near for one in found), len(right)) / len(right)


def _number(distance: float) -> float:
    """The cosine of nothing is no number, and comes last."""
    return math.inf if math.isnan(distance) else distance


def _plan(session: Session, statement: Composable, question: str) -> str:
    """The approximate index that answers, or `exact`."""
    explained = sql.compose(QUERIES["plan_of_nearest"], statement=statement)
    ((found,),) = session.execute(explained, {"query": question, "wanted": NEAREST})
    document = found if isinstance(found, list) else json.loads(found)
    return next(_ordered_scans(document[0]["Plan"]), "exact")


def _ordered_scans(node: Mapping[str, Any]) -> Iterator[str]:
    """The indexes that are read in the order of distance; those of partitions have names of their own."""
    if "Order By" in node:
        yield node["Index Name"]
    for part in node.get("Plans", ()):
        yield from _ordered_scans(part)
