"""The kinds of step a phase is made of. Steps describe; the executor acts."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from psycopg.sql import Composable

from vital.db import sql
from vital.errors import Problem

if TYPE_CHECKING:
    from migrations_ops.engine.session import Session


class Severity(StrEnum):
    """What it means when a check finds something: FAIL stops the phase's run, WARN and REVIEW do not."""

    FAIL = "FAIL"
    WARN = "WARN"
    REVIEW = "REVIEW"


@dataclass(frozen=True)
class Table:
    """A table as steps name it. `key` are the columns that identify a row."""

    relation: str
    key: tuple[str, ...]


Probe = Callable[["Session"], Iterable[Problem]]


@dataclass(frozen=True)
class Check:
    """A question whose rows are the problems. The query returns (relation, key, message); a probe yields Problems.

    Where a `gate` finds something, the steps after it are not tried: they could not be answered. What a check of a
    `kind` finds are rows that a person may decide about; there may be millions of them. `facts`, called after the
    question, is what the answer was read from, as JSON: it is kept with the run. `news`
    SELECTs one boolean: would it find a row that is no finding yet? Then there is work for a run.
    """

    name: str
    question: Composable | Probe
    severity: Severity = Severity.FAIL
    relation: str = ""
    gate: bool = False
    kind: str = ""
    facts: Callable[[], Any] | None = None
    news: Composable | None = None


@dataclass(frozen=True)
class Baseline:
    """Remember a table's rows and fingerprint before anything changes, all columns but the tenant's."""

    name: str
    table: Table
    tenant_column: str


SavedState = Any  # whatever JSON the statement noted


@dataclass(frozen=True)
class Index:
    """An index by its name and columns. CONCURRENTLY is not for partitioned tables: they get theirs piece by piece."""

    name: str
    columns: Composable
    where: Composable = field(default_factory=lambda: sql.raw(""))  # WHERE and a predicate, or nothing


@dataclass(frozen=True)
class RowTrigger:
    """A trigger that gives rows of `table` values in `columns` as applications write them, and notes it in the ledger.

    `fires`     SELECT one text: for `all` rows, for `new` ones only, or NULL where it is not there.
    `new_only`  leaves the rows that are there alone.
    `off`       takes it away.
    """

    table: Table
    columns: tuple[str, ...]
    fires: Composable
    new_only: Composable
    off: Composable


@dataclass(frozen=True)
class Statement:
    """A change of the schema that knows its undo.

    `is_applied`       SELECT one boolean, or a question to the session: is it already so (and valid)?
    `saved_state`      SELECT one jsonb before `up`: what `down` will need.
    `up`               statements in one transaction, or one by one outside any where `online` (CREATE INDEX
                       CONCURRENTLY).
    `composed`         the same from the session, where only the catalogue says what they are.
    `down`             the same for the undo, given the saved state.
    `data_loss_check`  (relation, key, message) of what the undo would lose; an archive can keep it.
    `undo_blockers`    the same for what forbids the undo altogether.
    `locks`            the tables whose locks it needs, to name who holds them.
    `repair`           run before `up`, e.g. to drop the invalid index that a failed attempt left.
    `ready`            SELECT one boolean: can it be done yet? What is not ready is left for a later run.
    `index`            what an online statement builds, for the case that its table is partitioned.
    `trigger`          the trigger that it makes, where that one writes rows; its undo takes these back too.
    `wanted`           whether it is to be so at all; where it is not, what an earlier run made of it is withdrawn.
    """

    name: str
    is_applied: "Composable | Callable[[Session], bool]"
    up: tuple[Composable, ...]
    down: Callable[[SavedState], tuple[Composable, ...]]
    relation: str = ""
    saved_state: Composable | None = None
    data_loss_check: Composable | Probe | None = None
    undo_blockers: Composable | Probe | None = None
    locks: tuple[str, ...] = ()
    online: bool = False
    repair: Composable | None = None
    ready: Composable | None = None
    index: Index | None = None
    trigger: RowTrigger | None = None
    wanted: "bool | Callable[[Session], bool]" = True
    composed: "Callable[[Session], tuple[Composable, ...]] | None" = None


@dataclass(frozen=True)
class Assign:
    """New values for rows of a table, by a verdict.

    `verdict`       SELECT vital_row, <columns…>, rule FROM batch: the engine decides what `batch` holds. Its rows are
                    the table's, with `vital_row` (the row's place) and `vital_open` (whether any rule may decide it). A
                    rule of NULL means no verdict: the row stays as it is.
    `open`          predicate on `t`: the row waits for a verdict.
    `reassignable`  predicate on `t`: the row has a value that some verdict may replace.
    `only`          predicate on `v`: the verdicts to carry out now; the others wait for a run without it.
    `failing`       how many rows may refuse their new values and be left as they are; where None, the first one that
                    does stops the run.
    `goes_on`       whether a later step assigns the rest of the table's rows: what is cleaned up once is left to it.
    `kind`          what the ledger calls it: `reference` where the columns are not the tenant's but refer to a row.
    """

    name: str
    table: Table
    columns: tuple[str, ...]
    verdict: Composable
    open: Composable
    reassignable: Composable | None = None
    only: Composable | None = None
    failing: int | None = None
    goes_on: bool = False
    kind: str = "assign"


@dataclass(frozen=True)
class Insert:
    """New rows for a table, remembered by key so that the undo removes exactly those.

    `rows` is a SELECT of the rows that are missing, its output columns named in `columns`; the key is the table's own
    default or one of them. `undo_blockers` forbids the undo, as a Statement's does; `removable` are predicates on
    `t` that a row must meet to be removed by it, each with the table that it asks: one that is gone asks for nothing.
    `kind` is what the ledger calls it: a `copy` is removed only where no other row refers to it.
    """

    name: str
    table: Table
    columns: tuple[str, ...]
    rows: Composable
    rule: str
    undo_blockers: Composable | Probe | None = None
    removable: tuple[tuple[str, str, Composable], ...] = ()
    kind: str = "insert"


Step = Check | Baseline | Statement | Assign | Insert


@dataclass(frozen=True)
class Phase:
    """A named list of steps in reading order. `reads_only` phases leave nothing to undo. Within `one_look` nothing
    changes, so that its steps may read together what each would ask for. Its `summary` is said when it is completed."""

    key: str
    title: str
    steps: tuple[Step, ...]
    reads_only: bool = False
    one_look: Callable[[], AbstractContextManager[None]] = nullcontext
    summary: "Callable[[Session], Iterable[str]]" = lambda _: ()
    requires: tuple[str, ...] = field(default=())
