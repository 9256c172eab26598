"""The statements of an Assign, composed for the database at hand."""

import hashlib

from psycopg.sql import Composable

from migrations_ops.engine import baseline
from migrations_ops.engine.session import QUERIES, Session
from migrations_ops.engine.steps import Assign
from vital.db import sql


class Assignment:
    """An Assign made ready for this database: its statements composed with the table's own columns and key."""

    def __init__(self, session: Session, step: Assign) -> None:
        self.session, self.step = session, step
        relation = step.table.relation
        self.redecided = sql.compose(
            QUERIES["is_redecided"], name=sql.literal(relation), key=sql.key_text("t", step.table.key)
        )
        self.digest = hashlib.sha256(step.verdict.as_bytes(session.connection)).hexdigest()
        columns = {column.name: column for column in session.columns(relation)}
        self.targets = [columns[name] for name in step.columns]
        self.content = [column for name, column in columns.items() if name not in step.columns]

    def parts(self, *, with_failing: bool = False) -> dict[str, Composable]:
        """What every statement about this step's candidates is composed of. Rows that have refused are none of them as
        long as the step is at work."""
        step = self.step
        candidates = [step.open, self.redecided] + ([step.reassignable] if step.reassignable is not None else [])
        left_out = [] if with_failing or step.failing is None else [self._has_not_failed()]
        wanted = sql.join([sql.compose("({c})", c=c) for c in candidates], " OR ")
        return {
            "verdict": step.verdict,
            # Else a verdict that is an error for a row would be asked of it before it is left out.
            "materialized": sql.raw("MATERIALIZED" if left_out else ""),
            "only": sql.raw("true") if step.only is None else step.only,
            "open": sql.join([step.open, self.redecided], " OR "),
            "candidates": sql.join([sql.compose("({wanted})", wanted=wanted), *left_out], " AND "),
            "differs": sql.join(
                [sql.column("t", c.name) + sql.raw(" IS DISTINCT FROM ") + sql.typed("v", c) for c in self.targets],
                " OR ",
            ),
        }

    def _has_not_failed(self) -> Composable:
        step = self.step
        return sql.compose(
            QUERIES["has_not_failed"],
            name=sql.literal(step.table.relation),
            step=sql.literal(step.name),
            key=sql.key_text("t", step.table.key),
        )

    def is_indexed(self, leaf: str) -> bool:
        """Whether an index holds a column that changes: then each update touches all indexes of the table."""
        return bool(self.session.named("indexes_of_columns", {"leaf": leaf, "columns": list(self.step.columns)}))

    def candidates_statement(self, leaf: str) -> Composable:
        """Each candidate in a range of pages: its place in its page, and its key."""
        key = sql.key_text("t", self.step.table.key)
        return sql.compose(QUERIES["candidates_in_range"], relation=sql.relation(leaf), key=key, **self.parts())

    def undecided_statement(self, leaf: str) -> Composable:
        """The keys of rows that wait for their verdict."""
        key = sql.key_text("t", self.step.table.key)
        return sql.compose(QUERIES["undecided_keys"], relation=sql.relation(leaf), key=key, **self.parts())

    def failing_statement(self) -> Composable:
        """Remember a row that has refused, as it is now."""
        table = self.step.table
        return sql.compose(
            QUERIES["note_failing_row"],
            relation=sql.relation(table.relation),
            same_row=sql.key_equals("t", self.session.typed_key(table.relation, table.key), sql.raw("%(key)s::text")),
            before=sql.jsonb_of("t", self.step.columns),
        )

    def batch_statement(self, leaf: str) -> Composable:
        step, content = self.step, self.content
        return sql.compose(
            QUERIES["assign_batch"],
            relation=sql.relation(leaf),
            assignments=sql.join([sql.ident(c.name) + sql.raw(" = ") + sql.typed("v", c) for c in self.targets]),
            key=sql.key_text("t", step.table.key),
            before=sql.jsonb_of("b", step.columns),
            after=sql.jsonb_of("t", step.columns),
            same_content=sql.same_image("b", "t", content),
            is_foreign=baseline.is_foreign("b", "vital_version"),
            **self.parts(),
        )

    def ranges_statement(self, leaf: str, *, by_key: bool) -> Composable:
        """The pages of rows that wait for their verdict: of all rows, or of those whose keys are given."""
        rows = sql.compose("ONLY {relation} AS t", relation=sql.relation(leaf))
        if by_key:
            table = self.step.table
            key = self.session.typed_key(table.relation, table.key)
            same_row = sql.key_equals("t", key, sql.column("e", "vital_key"))
            rows = sql.compose(QUERIES["rows_of_keys"], relation=sql.relation(leaf), same_row=same_row)
        return sql.compose(QUERIES["undecided_ranges"], relation=sql.relation(leaf), rows=rows, **self.parts())

    def anything_left(self, phase: str) -> bool:
        """Whether a row is left that the verdict can decide, or rows stand by rules that have changed. Read-only."""
        changed = {
            "relation": self.step.table.relation,
            "phase": phase,
            "step": self.step.name,
            "digest": self.digest,
        }
        if self.step.only is None and self.session.named("decided_by_other_rules", changed)[0][0]:
            return True
        parts = self.parts(with_failing=True)
        return any(
            self.session.named("anything_undecided", None, relation=sql.relation(leaf), **parts)[0][0]
            for leaf, _, _ in self.session.leaves(self.step.table.relation)
        )
