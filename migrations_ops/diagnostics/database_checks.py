"""The database: who asks, what it can see, whether the plan fits and isolation stands."""

from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

from migrations_ops.backup.pg_dump import client
from migrations_ops.diagnostics import cluster_checks, supabase_checks
from migrations_ops.diagnostics.result import FAIL, WARN, Result, first_of, good
from migrations_ops.engine import checks, load_signals
from migrations_ops.engine.session import Session
from migrations_ops.phases import pre_validation, probes
from migrations_ops.phases.bound_roles import not_bound
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.phases.queries import schemas_of
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from migrations_ops.vectors import concerns as vectors
from tenants.isolation.bypasses import bypasses
from tenants.isolation.comparison import standing
from tenants.isolation.reachability import not_allowed
from vital.db import cluster, sql
from vital.db.roles import LOGIN_PRIVILEGES
from vital.errors import EngineError

QUERIES = sql.load(Path(__file__).parent / "sql")
SHOWN = 50  # differences that are told one by one
FOR_TENANTS = ("everybody", "vital_tenant")
SKEW = 2.0  # seconds: tokens are judged by this machine's clock, rows are stamped by the server's


def results(session: Session, plan: Plan) -> Iterator[Result]:
    """Of the connection that commands take. In the order in which one would mend them."""
    yield from _server(session)
    yield _programs(session)
    yield from _sight(session)
    yield from _plan(session, plan)
    yield from _indexes(session, plan)
    yield from _vectors(session, plan)
    yield from cluster_checks.results(session, plan)
    if session.named("is_set_up")[0][0] and not session.named("is_of_an_earlier_vital")[0][0]:
        yield _run(session)


def isolation(session: Session, plan: Plan) -> list[Result]:
    """Of isolation alone, once it has been turned on; a check before a deployment asks nothing else."""
    inventory = inventory_of(plan)
    stands = standing(session.execute, inventory)
    roles = [Result("roles outside isolation", WARN, one.seen, one.fix) for one in not_bound(session.execute, plan)]
    if stands.is_off:
        off = "it is not on yet: the API answers 503"
        return [Result("isolation", WARN, off, "./manage.py migrate_tenants"), *roles]
    found = [Result("isolation", FAIL if one.dangerous else WARN, one.seen, one.fix) for one in stands.differences]
    if len(found) > SHOWN:
        more = f"{len(found) - SHOWN} more things are not as the plan wants them"
        found[SHOWN:] = [Result("isolation", found[SHOWN].state, more, "./manage.py migrate_tenants --only 006")]
    ways = bypasses(session, inventory)["bypasses"]
    for one in ways["tables_that_the_plan_does_not_name"]:
        fix = "Add it to the plan and run ./manage.py migrate_tenants; or take its tenant column away."
        found.append(Result("a table outside isolation", FAIL, f"{one['table']} {one['why']}", fix))
    for reached in not_allowed(session, inventory):
        seen = f"{reached.kind} {reached.name}: {reached.how}, and the plan does not allow it"
        found.append(Result("reached by tenants", FAIL, seen, f"{reached.closing} Or allow it: {reached.offer}"))
    for one in ways["rights_on_tables_made_later"]:
        if one["grantee"] in FOR_TENANTS:
            seen = f"{one['grantee']} gets {one['rights']} on what {one['made_by']} makes in {one['schema']}"
            fix = "Revoke them with ALTER DEFAULT PRIVILEGES, or a new table is open before the plan names it."
            found.append(Result("rights on tables made later", WARN, seen, fix))
    if logins := [one["role"] for one in ways["roles"] if one["login"]]:
        fix = "Let applications use the API; see ./manage.py prove_isolation --bypasses. What is left must be trusted."
        found.append(Result("logins outside isolation", WARN, first_of(logins), fix))
    found += roles
    return found or [good("isolation", f"closed around {stands.tables} tables")]


def _ask(session: Session, name: str, **parts: Any) -> list[tuple[Any, ...]]:
    return session.execute(sql.unbound(QUERIES[name], **parts))


def _server(session: Session) -> Iterator[Result]:
    before = time()
    server, version = _ask(session, "clock")[0]
    skew = abs(server - (before + time()) / 2)
    yield good("server", f"PostgreSQL {version}, a session of one's own")
    if skew > SKEW:
        yield Result("clock", FAIL, f"the server's differs by {skew:.1f} s from this machine's", "Let both follow NTP.")
    else:
        yield good("clock", f"{skew * 1000:.0f} ms from the server's")
    role, is_super, passes = session.execute(LOGIN_PRIVILEGES)[0]
    if passes and not is_super and supabase_checks.is_supabase(session):
        yield good("role", f"{role}, which policies do not bind in any Supabase project; proofs become vital_tenant")
    elif is_super or passes:
        fix = "Let the owner of the tables run commands: a superuser sees past policies, and proves nothing of them."
        yield Result("role", WARN, f"{role} is {'a superuser' if is_super else 'allowed to bypass policies'}", fix)
    else:
        yield good("role", role)


def _programs(session: Session) -> Result:
    try:
        return good("pg_dump", client(session).version)
    except EngineError as problem:
        return Result("pg_dump", WARN, "no backup can be taken from here", str(problem))


def _sight(session: Session) -> Iterator[Result]:
    for unreadable in load_signals.Signals(session).unreadable():
        yield Result("load signals", WARN, f"{unreadable.signal} cannot be seen", f"Grant {unreadable.grant}.")
    for problem in probes.free_disk(session):
        yield Result("disk", WARN, problem.message, "Make room before a run.")


def _plan(session: Session, plan: Plan) -> Iterator[Result]:
    if cluster.form_of(session.execute, [spec.relation for spec in plan.tables]).placement:
        yield good(
            "the plan", "it fitted before the tables were distributed: runs wait for ./manage.py distribute --undo"
        )
        return
    found = [
        problem
        for check in (*pre_validation.fits(plan), pre_validation.unfiltered(plan), probes.rules_fit(plan))
        for problem in checks.ask(session, check).problems
    ]
    for problem in found[:5]:
        yield Result("the plan", FAIL, f"{problem.relation}: {problem.message}", "Correct the plan, or the table.")
    if not found:
        yield good("the plan", f"it fits {len(plan.tables)} tables")


def _indexes(session: Session, plan: Plan) -> Iterator[Result]:
    tables = [spec.relation for spec in plan.tables]
    schemas = sql.literal([*schemas_of(tables), "vital"])
    for name, drop in _ask(session, "half_built_indexes", schemas=schemas):
        fix = f"{drop}; a run builds its own again."
        yield Result("indexes", FAIL, f"{name} is not valid: building it was stopped", fix)
    missing = _ask(session, "without_index", tables=sql.literal(tables), column=sql.literal(TENANT_COLUMN))
    if missing:
        fix = "003 and 004 build them: ./manage.py migrate_tenants"
        yield Result("indexes", WARN, f"none by tenant on {first_of([name for (name,) in missing])}", fix)


def _vectors(session: Session, plan: Plan) -> Iterator[Result]:
    """Before isolation is on every tenant is given what there is."""
    if standing(session.execute, inventory_of(plan)).is_off:
        return
    found = list(vectors.concerns(session, plan))
    for one in found:
        yield Result("vectors", WARN, one.seen, one.fix)
    if not found and (worst := vectors.worst_recall(session)) is not None:
        yield good("vectors", f"when last measured, the worst recall@10 of a tenant was {worst:.2f}")


def _run(session: Session) -> Result:
    for run, status, in_background in _ask(session, "unfinished"):
        if status == "running" and not session.run_lock_is_free():
            return good("runs", f"run {run} is active")
        waits = "a worker takes it up, where one runs" if in_background and status == "running" else "it waits"
        return Result("runs", WARN, f"run {run} is {status}: {waits}", "./manage.py migrate_tenants resume, or cancel")
    return good("runs", "none is open")
