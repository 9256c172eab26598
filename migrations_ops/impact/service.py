"""The door to the impact: where statements come from, and what becomes of them once the database is isolated."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.rules.model import Plan
from vital.db.roles import TENANT_ROLE
from vital.db.session import Session
from vital.errors import Problem

COST_FACTOR = 10.0
READ_AT_MOST = 2_000  # statements of which only the text is read
TODAY, TENANT, BOTH = "today", "tenant", "both"

Document = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """Which statements: of a file, of a server's log, of a text, or else of pg_stat_statements; who sends those of
    which that is not known (empty: the role that asks); as whom they are tried; when a plan counts as slower; and how
    many, where somebody waits (None: all)."""

    file: Path | None = None
    log: Path | None = None
    text: str = ""
    role: str = ""
    tried_as: str = BOTH
    cost_factor: float = COST_FACTOR
    most: int | None = None


@dataclass
class Impact:
    """The statements of one database, tried on it or on a copy. `before` is called where isolation is not on yet."""

    plan: Plan
    asked: Asked
    statements: "list[Any]"
    source: str
    passed_over: int = 0
    owners: tuple[str, ...] = ()  # for whom the owner of a copy stands
    _before: dict[int, Any] = field(default_factory=dict)

    @property
    def roles(self) -> list[str]:
        return sorted({one.role for one in self.statements})

    def before(self, session: Session, grants: Iterable[Composable] = ()) -> None:
        """What each statement costs today, and whether it is one."""
        from migrations_ops.impact import trial

        who = trial.who(session, self.roles, self._tenant, self.owners)
        with trial.trials(session, grants):
            for one in self.statements:
                if (found := trial.tried(session, one, who.of(one.role))) is not None:
                    self._before[one.number] = found

    def after(self, session: Session, grants: Iterable[Composable] = (), *, is_copy: bool = False) -> Document:
        """The document: each finding with its statement, and what could not be tried."""
        from migrations_ops.impact import facts, trial
        from migrations_ops.impact.findings import Judge

        who = trial.who(session, self.roles, self._tenant, self.owners if is_copy else ())
        found, untried = [], []
        with trial.trials(session, grants):
            known = facts.asked(session, self.plan, self.statements)
            judge = Judge(self.plan, known, self.asked.cost_factor)
            others = [one for one in self.statements if known.is_of_others(one)]
            self.passed_over += len(others)
            self.statements = [one for one in self.statements if one not in others]
            for one in self.statements:
                findings, why = judge.findings(one, self._attempts(session, one, who))
                found += findings
                untried += [{"reason": why, **one.document()}] if why else []
        return self._document(found, untried, who)

    def problems(self, session: Session) -> Iterator[Problem]:
        """What the text of each alone says that will break; none is tried. See `parsed`."""
        from migrations_ops.impact import parsed

        yield from parsed.problems(session, self.plan, self.statements)

    def _attempts(self, session: Session, statement: Any, who: Any) -> Any:
        from migrations_ops.impact import trial
        from migrations_ops.impact.findings import Attempts

        actors = [who.of(statement.role)]
        actors += [who.tenant] if who.tenant and self.asked.tried_as != TODAY else []
        tried = {actor.name: trial.tried(session, statement, actor) for actor in actors}
        after = {name: one for name, one in tried.items() if one is not None}
        return Attempts(statement.role, tuple(tried), after, self._before.get(statement.number))

    def _document(self, found: Sequence[Any], untried: list[Document], who: Any) -> Document:
        from migrations_ops.impact.findings import ERROR

        shown = [one for one in found if self.asked.tried_as != TENANT or TENANT_ROLE in one.roles]
        shown.sort(key=lambda one: (one.level != ERROR, one.statement.number))
        roles = [{"role": name, "reason": why} for name, why in who.instead.items()]
        if who.tenant is None and self.asked.tried_as != TODAY:
            roles.append({"role": "vital_tenant", "reason": "this login may not become it"})
        troubled = {one.statement.number for one in found}
        return {
            "source": self.source,
            "statements": len(self.statements),
            "calls": sum(one.calls for one in self.statements),
            "fine": len(self.statements) - len(troubled) - len(untried),
            "passed_over": self.passed_over,
            "breaks": sum(one.level == ERROR for one in shown),
            "findings": [one.document() for one in shown],
            "not_tried": untried,
            "roles_not_tried": roles,
        }

    @property
    def _tenant(self) -> str:
        """Whose rows vital_tenant sees in a try."""
        others = [tenant.id for tenant in self.plan.tenants if tenant.slug != self.plan.platform]
        return others[0] if others else self.plan.platform_id


def at_hand(session: Session, plan: Plan, asked: Asked) -> Impact:
    """The statements that are asked about. Raises NotRead, NoStatements."""
    from migrations_ops.impact import sources, statements

    login, database = session.connection.info.user, session.connection.info.dbname
    if asked.file:
        sent, source, why = sources.of_file(asked.file), str(asked.file), "the file has none"
    elif asked.log:
        sent, source = sources.of_log(asked.log, database), str(asked.log)
        why = f"the log has none of {database}: log_statement = 'all' writes them"
    elif asked.text:
        sent, source, why = sources.of_text(asked.text), "the text", "the text has none"
    else:
        (sent, why), source = sources.of_database(session), "pg_stat_statements"
    every = statements.grouped(sent, asked.role or login)
    applied = statements.applications(every)
    if not applied:
        raise sources.NoStatements(reason=why)
    passed_over = len(every) - len(applied)
    applied = statements.sent_most(applied, asked.most)
    tables = [plan.registry, *(spec.relation for spec in plan.tables)]
    owners = tuple(name for (name,) in session.execute(sources.owners_of(tables)))
    return Impact(plan, asked, applied, source, passed_over, owners)


def grants_for(session: Session, roles: Sequence[str], bound: Sequence[str] = ()) -> list[Composable]:
    """What these roles and everybody hold in a database, as statements for its copy. `bound` roles have lost there what
    passes policies by."""
    from migrations_ops.impact import sources

    return sources.grants(session, roles, bound)


def are_at_hand(session: Session) -> bool:
    """Whether the database keeps what was sent, so that nobody has to be asked."""
    from migrations_ops.impact import sources

    return bool(sources.of_database(session)[0])


def problems(session: Session, plan: Plan) -> Iterator[Problem]:
    """Statements in pg_stat_statements of which their text alone says that they will break; see `parsed`."""
    from migrations_ops.impact.sources import NoStatements

    with suppress(NoStatements):
        yield from at_hand(session, plan, Asked(most=READ_AT_MOST)).problems(session)


def scan(folder: Path) -> Document:
    """What the sources in this folder have that isolation breaks; the database need not be there. Raises NotRead."""
    from migrations_ops.impact import scan as scanning
    from migrations_ops.rules.current import current_plan

    return scanning.scan(folder, current_plan())


Reported = tuple[str, str, str, str, str, int]


def as_reported(document: Document) -> list[Reported]:
    """(kind, where, message, level, file, line) of each finding, for reports that other programs read."""
    if "folder" in document:
        return [
            (
                f"impact/{one['kind']}",
                f"{one['file']}:{one['line']}",
                f"{one['reason']}. {one['change']}",
                one["level"],
                str(Path(document["folder"]) / one["file"]),
                one["line"],
            )
            for one in document["findings"]
        ]
    return [
        (
            f"impact/{one['kind']}",
            ", ".join(one["tables"]) or one["where"] or one["kind"],
            f"{one['statement']} As {', '.join(one['roles'])}: {one['reason']}. {one['change']}",
            one["level"],
            "",
            0,
        )
        for one in document["findings"]
    ]
