"""Isolation in the database: roles, grants, policies and the guard of references, as changes that know their undo."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypedDict

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import SavedState, Statement
from migrations_ops.phases.grants import Held
from migrations_ops.phases.queries import query
from tenants.inventory import TENANT_COLUMN, BoundRole, Inventory
from tenants.isolation import bound, wanted
from tenants.isolation.comparison import is_as_wanted
from tenants.isolation.difference import FUNCTIONS, GRANTS, POLICIES, REFERENCES
from vital.db import cluster, sql
from vital.db import roles as own_roles

EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE")
Changes = tuple[Composable, ...]


class Rows(TypedDict):
    """Which rows of a table are whose."""

    shared: bool
    platform: str
    column: str


def _of(name: str, relation: str = "", /, **parts: Composable) -> Composable:
    if relation:
        parts |= {"relation": sql.relation(relation), "name": sql.literal(relation)}
        parts["family"] = query("family_of", name=parts["name"])
    return query(name, **parts)


def _role(role: str) -> dict[str, Composable]:
    return {"role": sql.ident(role), "role_name": sql.literal(role)}


def roles() -> Iterator[Statement]:
    """The two roles without login, and the owner's membership in both; in the tenants' one without its rights, or its
    policies would bind the owner."""
    for role in own_roles.ROLES:
        parts = _role(role)
        yield Statement(
            name=f"the role {role}",
            is_applied=own_roles.exists(role),
            up=(own_roles.create(role),),
            down=lambda _, parts=parts: (_of("drop_role", **parts),),  # type: ignore[misc]  # a default, to bind it now
        )
    operator = _role("vital_operator")
    yield Statement(
        name="VITAL may work as vital_operator",
        is_applied=_of("may_become", **operator),
        up=(_of("become_member", **operator),),
        down=lambda _: (_of("leave_role", **operator),),
    )
    yield Statement(
        name="VITAL may prove isolation as vital_tenant",
        is_applied=_of("may_become", **_role("vital_tenant")),
        up=(_of("become_tenant"),),
        down=lambda _: (_of("leave_tenants"),),
    )


def schema_usage(schema: str) -> Statement:
    """Both roles see the schema of the platform's tables."""
    parts: dict[str, Composable] = {"schema": sql.ident(schema), "schema_name": sql.literal(schema)}
    name = f"the roles may use the schema {schema}"
    held = Held(name, _of("held_on_schema", **parts))
    return Statement(
        name=name,
        is_applied=_of("has_schema_usage", **parts),
        saved_state=held.before,
        up=(_of("grant_schema", **parts),),
        down=held.as_before,
        undo_blockers=held.by_others,
    )


def grants(relation: str, inventory: Callable[[], Inventory], privileges: Iterable[str] = EVERYTHING) -> Statement:
    """What a tenant may do with the table at all; row by row the policies decide."""
    name, allowed = wanted.granting(relation), tuple(privileges)
    held = Held(name, _of("held_on_table", relation))
    return Statement(
        name=name,
        relation=relation,
        is_applied=is_as_wanted(inventory, GRANTS, relation),
        saved_state=held.before,
        up=(
            _of("revoke_beyond", relation, tenant_privileges=sql.literal(list(allowed))),
            _of("grant_table", relation, tenant_privileges=sql.raw(", ".join(allowed))),
            _of("grant_table_to_operator", relation),
            _of("grant_sequences", relation),
        ),
        down=held.as_before,
        undo_blockers=held.by_others,
        locks=(relation,),
    )


def own_tables() -> Statement:
    """VITAL's own tables for its data work; from then on that work runs as vital_operator."""
    return Statement(
        name="VITAL's data work runs as vital_operator",
        is_applied=_of("operator_has_own_tables"),
        up=(_of("grant_own_tables"), _of("grant_own_sequences"), _of("grant_own_schema")),
        down=lambda _: (_of("revoke_own_tables"),),
    )


def way_to_parents(relation: str) -> Statement:
    """A table that tenants are found through: only VITAL's data work reads it, whatever policies it has."""
    name = f"VITAL's data work reads {relation}"
    held = Held(name, _of("held_on_table", relation))
    return Statement(
        name=name,
        relation=relation,
        is_applied=_of("operator_reads", relation),
        up=(_of("operator_may_read", relation), _of("no_way_policy", relation), _of("way_policy", relation)),
        saved_state=held.before,
        down=lambda saved_state: (_of("no_way_policy", relation), *held.as_before(saved_state)),
        undo_blockers=held.by_others,
        locks=(relation,),
    )


def policies(
    relation: str,
    inventory: Callable[[], Inventory],
    *,
    shared: bool,
    platform: str,
    column: str = TENANT_COLUMN,
    force_owner: bool = True,
    roles: Iterable[BoundRole] = (),
) -> Statement:
    """Close one table: its own rows for a tenant or a caller of a bound role, and the Platform's where it is shared.
    Where the plan does not force the owner, the table is only forced if the application had done that before."""
    name, drop = wanted.closing(relation), _drop_policies(relation)
    before_ours = {"statement": sql.literal(name)}
    rows: Rows = {"shared": shared, "platform": platform, "column": column}

    def up(session: Session) -> Changes:
        on_cluster = session.on_cluster
        of_roles = (policy for one in roles for policy in bound.policies(one, **rows))
        ours = [*wanted.policies(**rows, on_cluster=on_cluster), *of_roles]
        others = before_ours | {"everybody": _everybody(relation, on_cluster=on_cluster)}
        return (
            drop,
            _of("keep_others", relation, force_owner=sql.literal(force_owner), **others),
            *(wanted.creation(policy, relation) for policy in ours if policy.name != wanted.OTHERS),
            _of("enable", relation),
            _of("force", relation) if force_owner else _of("force_as_before", relation, **before_ours),
            _no_default(relation, column),
        )

    return Statement(
        name=name,
        relation=relation,
        is_applied=is_as_wanted(inventory, POLICIES, relation),
        saved_state=_of("security_before", relation),
        up=(),
        composed=up,
        down=lambda saved_state: (drop, *as_it_was_before(relation, saved_state)),
        locks=(relation,),
    )


def _no_default(relation: str, column: str) -> Composable:
    added = sql.literal(wanted.adding(relation, column))
    return _of("drop_default", relation, column=sql.literal(column), tenant=sql.ident(column), added=added)


def _everybody(relation: str, *, on_cluster: bool) -> Composable:
    """Whom a policy is for that hides nothing: on a cluster it must not be tenants as well."""
    if on_cluster:
        return _of("for_each_who_has_rights", people=wanted.people_of(relation))
    return _of("for_everybody")


def narrowed(relation: str) -> Statement:
    """On a cluster every policy of VITAL's is permissive, so that one of others for everybody would open the table to
    tenants. Before the table is closed; and what was narrowed stays so until the undo."""
    parts = {"policies": sql.literal(list(wanted.POLICY_NAMES))}
    open_ones = _of("policies_for_everybody", relation, **parts)
    none_is_open = _of("no_policy_for_everybody", policies_for_everybody=open_ones)

    def widened(before: SavedState) -> Changes:
        return tuple(
            _of(
                "widen_policy",
                relation,
                policy=sql.ident(one["name"]),
                policy_name=sql.literal(one["name"]),
                roles=sql.verbatim(", ".join(one["roles"])),
            )
            for one in before
        )

    return Statement(
        name=wanted.narrowing(relation),
        relation=relation,
        is_applied=lambda session: not session.on_cluster or bool(session.value(none_is_open)),
        saved_state=_of("policies_before_narrowing", policies_for_everybody=open_ones),
        up=(_of("narrow_policies", relation, policies_for_everybody=open_ones, people=wanted.people_of(relation)),),
        down=widened,
        locks=(relation,),
    )


def _drop_policies(relation: str) -> Composable:
    names = {"policies": sql.literal(list(wanted.POLICY_NAMES)), "bound": sql.literal(bound.POLICIES)}
    return _of("drop_policies", relation, **names)


def shut_tenants_out(relation: str) -> Changes:
    """Before isolation is turned off: what a tenant cannot read at all needs no policy."""
    return (_of("shut_tenants_out", relation),)


def as_it_was_before(relation: str, saved_state: SavedState, *, bound: bool = False) -> Changes:
    """Row level security off, or not forced, as before 006. The policies stay: VITAL's own roles need theirs. Where
    roles of others are `bound` it stays on for their callers, and everybody else sees all by the policy for others."""
    changes = [] if saved_state["forced"] else [_of("no_force", relation)]
    return tuple(changes if saved_state["enabled"] or bound else [*changes, _of("disable", relation)])


def temporary_tables(*, revoked: bool) -> Statement:
    """PUBLIC may make temporary tables unless the plan revokes it: `pg_temp` is last in every search path of ours.

    An earlier VITAL always revoked it and granted it to each login of the server by name instead, which is a list in
    its memo: logins that could not be dropped any more. Those grants are taken back in either case.
    """
    statement = "temporary tables are not for everybody"
    name = sql.literal(statement)
    return Statement(
        name=statement,
        wanted=revoked,
        ready=_of("owns_database"),
        is_applied=_of("temp_is_closed", statement=name),
        up=(_of("close_temp"), _of("revoke_named_temp", statement=name), _of("forget_named_temp", statement=name)),
        down=lambda _: (_of("open_temp"), _of("revoke_named_temp", statement=name)),
    )


def guard_functions(inventory: Callable[[], Inventory]) -> Statement:
    """The functions behind the guards of references that are the same for every table."""
    slow_way, *of_parents = wanted.guard_functions()
    head = sql.raw("vital.guard_reference(referring regclass, new_row jsonb, old_row jsonb, platform uuid)")
    return Statement(
        name=wanted.GUARDS,
        is_applied=is_as_wanted(inventory, FUNCTIONS),
        up=(
            _of("create_guard", function=head, result=sql.raw("text"), body=sql.literal(slow_way.body)),
            *(_guard(sql.raw(str(one)), sql.literal(one.body)) for one in of_parents),
            *(_of("close_function", signature=sql.literal(one.signature)) for one in wanted.guard_functions()),
        ),
        down=lambda _: (_of("drop_guards"),),
    )


def _guard(function: Composable, body: Composable) -> Composable:
    return _of("create_guard", function=function, result=sql.raw("trigger"), body=body)


def guarded_references(
    relation: str, inventory: Callable[[], Inventory], tables: Iterable[str], platform: str
) -> Statement:
    """New references of this table stay in their tenant or go to the Platform."""
    among = tuple(tables)

    def guards(session: Session) -> wanted.Guards:
        placement = cluster.form_of(session.execute, among).placement
        return wanted.Guards(list(among), [relation], platform, placement)

    none = wanted.Guards(list(among), [relation], platform).all_of_ours
    return Statement(
        name=wanted.guarding(relation),
        relation=relation,
        is_applied=is_as_wanted(inventory, REFERENCES, relation),
        up=(),
        composed=lambda session: guard(guards(session)),
        down=lambda _: (_of("unguard_references", guards=none),),
        locks=among,
    )


def guard(ours: wanted.Guards) -> Changes:
    """Makes these guards, by the foreign keys as they stand by then, and takes away others of VITAL's."""
    create = sql.text_of(_guard(sql.raw("vital.%1$I()"), sql.raw("%2$L")))
    own = sql.compose("ARRAY({functions})", functions=_of("functions_of_guards", functions=ours.functions))
    return (
        _of("guard_references", guards=ours.triggers, functions=ours.functions, create=sql.literal(create)),
        _of("close_function", signature=own),
        _of("unguard_references", guards=ours.others),
    )
