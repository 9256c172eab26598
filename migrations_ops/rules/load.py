"""Read a plan file. What does not fit is refused with the place in the file and what would fit."""

import hashlib
import tomllib
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

from migrations_ops.engine.steps import Table
from migrations_ops.rules import tenant_source
from migrations_ops.rules.bindings import binds, unbound
from migrations_ops.rules.conditions import condition
from migrations_ops.rules.model import Condition, Plan, Rule, TableSpec, TenantSpec
from migrations_ops.rules.parents import parent, votes
from migrations_ops.rules.plan_keys import (  # fmt: skip
    COMMON_KEYS,
    CONFIGURATION,
    FAILING,
    ORGANISATION,
    PHASES,
    PLACEMENTS,
    PLAN_KEYS,
    REACHABLE_KEYS,
    RULE_KEYS,
    SOURCE_KEYS,
    TABLE_KEYS,
    TENANT_KEYS,
)
from migrations_ops.rules.reader import Given, Place, PlanError, distinct
from migrations_ops.rules.toml_positions import position
from migrations_ops.rules.type_check import refuse_misfits
from migrations_ops.rules.unreachable import dead_rules, refuse_unclear_order
from vital.db import sql

FAILING_LIMIT = 100  # rows of a table, where the plan says none


def load(path: Path) -> Plan:
    """The plan in this file. Raises PlanError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PlanError(f"The plan {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise PlanError(f"The plan {path} is not valid TOML: {error}.") from error
    return of_text(text, f"The plan {path}")


@lru_cache(maxsize=16)  # a plan cannot be changed, and a page or a command asks for it several times
def of_text(text: str, called: str) -> Plan:
    """The plan that this text is; messages name it as it is called. Raises PlanError."""
    try:
        return _plan(tomllib.loads(text), text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{called} is not valid TOML: {error}.") from error
    except PlanError as error:
        line, column = position(text, error.place)
        raise PlanError(f"{called}, line {line}, column {column}, does not hold: {error}") from error


def _plan(data: dict[str, Any], text: str) -> Plan:
    plan = Given(data, "the plan", PLAN_KEYS)
    if plan.need("version") != 1:
        raise plan.wrong("version must be 1, the only one this VITAL reads.", "version")
    tenants = tuple(
        _tenant(item, f"tenant {_called(item, 'slug', number)}", plan.at("tenant", number))
        for number, item in plan.tables("tenant")
    )
    for what in ("slug", "id", "domain"):
        given = ((getattr(tenant, what), (*plan.at("tenant", n), what)) for n, tenant in enumerate(tenants, start=1))
        distinct(given, f"tenants have the same {what}")
    slugs = [tenant.slug for tenant in tenants]
    source = Given(plan.item["tenants"], "tenants", SOURCE_KEYS, ("tenants",)) if "tenants" in plan else None
    tables = _tables(plan, slugs, source.relation("from") if source else "")
    bound = binds(plan, [spec.relation for spec in tables])
    return Plan(
        name=plan.text("name", "multi_tenant_migration"),
        platform=plan.one_of("platform", slugs, "must be a tenant's slug"),
        registry=plan.relation("registry"),
        product=plan.one_of("product", ["vital"]) if plan.item.get("product") else "",
        tenants=tenants,
        tables=tables,
        source=tenant_source.read(source, tables) if source else None,
        common=tuple(
            Given(item, f"common {number}", COMMON_KEYS, plan.at("common", number)).relation("name")
            for number, item in plan.tables("common")
        ),
        reachable=tuple(
            _reachable(Given(item, f"reachable {number}", REACHABLE_KEYS, plan.at("reachable", number)))
            for number, item in plan.tables("reachable")
        ),
        bound=bound,
        unbound=unbound(plan, bound),
        revoke_temp=plan.flag("revoke_temp"),
        force_owner=plan.flag("force_owner", default=True),
        keep_indexes=plan.flag("keep_indexes"),
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def _reachable(given: Given) -> str:
    """What is allowed; that somebody has given a reason is enough."""
    given.text("reason")
    return given.text("name")


def _called(item: object, key: str, number: int) -> str:
    """How a message names an entry: by its own name, else by its place."""
    return str(item.get(key, number)) if isinstance(item, dict) else str(number)


def _tenant(item: object, where: str, place: Place) -> TenantSpec:
    given = Given(item, where, TENANT_KEYS, place)
    try:
        identifier = str(UUID(given.text("id")))
    except ValueError as error:
        raise given.wrong(f"id must be a UUID, not {given.text('id')!r}.", "id") from error
    return TenantSpec(
        id=identifier,
        slug=given.text("slug"),
        name=given.text("name"),
        domain=given.text("domain"),
        compliance_level=given.text("compliance_level", "standard"),
        settings={key: given.mapping(key) for key in CONFIGURATION if key in given},
        metadata=given.mapping("metadata"),
        **{part: tuple(_part(given, part, entry) for entry in given.tables(part)) for part in ORGANISATION},
    )


def _part(tenant: Given, part: str, entry: tuple[int, object]) -> dict[str, Any]:
    """A department, level or function of the tenant."""
    keys = ORGANISATION[part]
    given = Given(entry[1], f"{tenant.where}, {part} {entry[0]}", keys, tenant.at(part, entry[0]))
    read: dict[str, Callable[[str], Any]] = {"text": given.text, "number": given.number, "list": given.texts}
    there = {key: shape.rstrip("*") for key, shape in keys.items() if key in given or shape.endswith("*")}
    return {key: read[shape](key) for key, shape in there.items()}


def _tables(plan: Given, slugs: list[str], source: str) -> tuple[TableSpec, ...]:
    """The tables in the plan's order; a table comes after the tables that its rows follow. `source` is the one of which
    each row is a tenant."""
    given = [
        Given(item, f"table {_called(item, 'name', number)}", TABLE_KEYS, plan.at("table", number))
        for number, item in plan.tables("table")
    ]
    if not given:
        raise plan.wrong("table is missing: write [[table]] for each table whose rows get a tenant.")
    names = [table.relation("name") for table in given]
    places = [(*table.place, "name") for table in given]
    distinct(zip(names, places, strict=True), "tables have the same name")
    # Constraints, steps and findings are called after the table alone.
    short = (sql.names(name)[1] for name in names)
    distinct(zip(short, places, strict=True), "tables of different schemas have the same name")
    by_name = dict(zip(names, given, strict=True))
    return tuple(_table(table, by_name, names[: place + 1], slugs, source) for place, table in enumerate(given))


def _table(given: Given, others: dict[str, Given], so_far: list[str], slugs: list[str], source: str) -> TableSpec:
    ruling = given
    if "rules_as" in given:
        if "rule" in given:
            raise given.wrong("has rules of its own and rules_as; one of the two decides.", "rules_as")
        with_rules = [name for name, other in others.items() if "rule" in other]
        ruling = others[given.one_of("rules_as", with_rules, "must name a table with rules of its own")]
    columns = {name: str(kind) for name, kind in given.mapping("columns").items()}
    rules = tuple(
        _rule(item, f"{given.where}, rule {number}", number, ruling.at("rule", number), columns, slugs, so_far)
        for number, item in ruling.tables("rule")
    )
    for rule in rules:
        if rule.own and so_far[-1] != source:
            problem = f"`own` is for the table that [tenants] takes its tenants from, which is {source or 'not given'}."
            raise PlanError(f"{given.where}, rule {rule.number}: {problem}", (*rule.at, "own"))
    distinct(((rule.name, (*rule.at, "name")) for rule in rules), f"rules of {given.where} have the same name")
    for before, rule in pairwise(rules):
        if before.phase > rule.phase:
            problem = f"the first rule that matches decides, so those of {PHASES[0]} come first."
            raise PlanError(f"{given.where}: {problem}", (*rule.at, "phase"))
    refuse_unclear_order(rules, given.where)
    for dead in dead_rules(rules):
        raise PlanError(f"{given.where}, rule {dead.rule.number}: {dead.why}", dead.at)
    return TableSpec(
        table=Table(given.relation("name"), given.texts("key", ("id",))),
        critical=given.flag("critical"),
        shared=given.one_of("visibility", ("shared", "private")) == "shared",
        person_decides=given.flag("person_decides"),
        columns=columns,
        rules=rules,
        rescope=tuple(
            Given({"rescope": key}, given.where, ("rescope",), given.place).texts("rescope")
            for _, key in given.tables("rescope")
        ),
        required=given.flag("required"),
        unmatched=given.one_of("unmatched", slugs, "must be a tenant's slug") if "unmatched" in given else "",
        placement=given.one_of("placement", PLACEMENTS) if "placement" in given else "",
        failing=_failing(given),
    )


def _failing(given: Given) -> int | None:
    """How many rows of the table may refuse their tenant."""
    finds = "failing" in given and given.one_of("failing", FAILING) == "find"
    if not finds and "failing_limit" in given:
        raise given.wrong('failing_limit belongs to failing = "find"; without that the first such row stops.')
    limit = given.number("failing_limit") if "failing_limit" in given else FAILING_LIMIT
    if limit < 1:
        raise given.wrong(f"failing_limit must be 1 or more, not {limit}.", "failing_limit")
    return limit if finds else None


def _rule(
    item: object, where: str, number: int, place: Place, columns: dict[str, str], slugs: list[str], so_far: list[str]
) -> Rule:
    given = Given(item, where, RULE_KEYS, place)
    name, phase = given.text("name"), given.one_of("phase", PHASES)
    ways = [way for way in ("parent", "votes", "own") if way in given]
    if len(ways) > 1 or not (ways or "when" in given) or ("own" in given and "when" in given):
        problem = "say `when` and the tenant; or `parent` or `votes`, with `when` or without; or `own = true`."
        raise given.wrong(problem, *ways[1:2])
    for key in ("tenant", "reassigns") if ways else ():
        if key in given:
            raise given.wrong(f"`{ways[0]}` says which tenant; `tenant` and `reassigns` belong to `when` alone.", key)
    if "own" in given:
        if not given.flag("own"):
            raise given.wrong("own is true; leave the rule out where rows are no tenants.", "own")
        return Rule(number, name, phase, when=Condition("always", at=place), own=True, at=place)
    when = None
    if "when" in given:
        when = condition(given.item["when"], f"{where}, when", columns, (*place, "when"))
        refuse_misfits(when, f"{where}, when", columns)
    if ways:
        read = {"parent": parent, "votes": votes}[ways[0]]
        follows = read(given.item[ways[0]], f"{where}, {ways[0]}", columns, so_far, (*place, ways[0]))
        return Rule(number, name, phase, when=when, parent=follows, at=place)
    tenant = given.one_of("tenant", slugs, "must be a tenant's slug")
    return Rule(number, name, phase, when=when, tenant=tenant, reassigns=given.flag("reassigns"), at=place)
