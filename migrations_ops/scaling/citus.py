"""Over several servers with Citus, by tenant. Its rules: https://docs.citusdata.com/en/latest/develop/reference_ddl.html

Every unique key of a distributed table holds the distribution column; so does a foreign key between two of them, whose
rows lie together then. A reference table is whole on every server: others may refer to it, it to no distributed one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session
from migrations_ops.reading import shown
from migrations_ops.scaling.catalogue import Catalogue, Reference, across, ask, nobodys
from migrations_ops.scaling.plan import Scale
from migrations_ops.scaling.statements import copied_everywhere, spread

SHARED = (
    "The Platform's rows lie in the tenants' tables, and so on one server of their own: a list of a tenant's rows and"
    " the Platform's asks two servers. Measure it, or keep them in reference tables of their own."
)
REACHING = (
    "A tenant is told by set_config, and Citus passes on to its workers what SET LOCAL says alone"
    " (citus.propagate_set_commands); and it logs in there as the current role, vital_tenant, which has no login. Both"
    " are to be made otherwise before the service can work on a cluster."
)
# Citus would have to write the tenant as well, which says where the row lies.
REFUSED = re.compile(r" ON DELETE SET (?:NULL|DEFAULT)(?: \([^)]*\))?| ON UPDATE (?:CASCADE|SET NULL|SET DEFAULT)")


def plan(session: Session, found: Catalogue) -> Scale:
    """In a transaction."""
    scale, own = Scale("citus"), {table.relation for table in found.of_tenants()}
    everywhere = _everywhere(found, own)
    for table in found.tables.values():
        scale.kinds[table.relation] = (
            ("distributed", "its rows are tenants'") if table.has_tenant
            else ("reference", "tenants' rows refer to it") if table.relation in everywhere
            else ("local", "nothing of a tenant refers to it")
        )  # fmt: skip
    scale.decide += _fence(session, [*everywhere, *own])
    scale.ask_for(nobodys(session, found.of_tenants()), ", and so no server to lie on.")
    into = [one for one in found.references if one.parent in own]
    scale.statements += scale.let_go(into)
    scale.statements += scale.widen([key for table in found.of_tenants() for key in table.too_wide])
    scale.statements += [copied_everywhere(relation) for relation in everywhere]
    biggest = sorted(found.of_tenants(), key=lambda table: (-table.bytes, table.relation))
    scale.statements += [
        spread(table.relation, biggest[0].relation if number else "") for number, table in enumerate(biggest)
    ]
    within = [replace(one, beside=REFUSED.sub("", one.beside)) for one in into if one.child in own]
    counts = {one: across(session, one) for one in within}
    scale.statements += scale.refer_within(within, counts)
    scale.know += _without_action(one for one in into if one.child in own)
    for one in (one for one in found.references if one.child in own and one.parent not in found.tables):
        scale.decide.append(
            f"{shown(one.child)} ({', '.join(one.own)}) refers to {one.parent}, of another schema: make that a"
            " reference table too, or go without this key."
        )
    for one in (one for one in into if one.child not in own):
        scale.decide.append(
            f"{shown(one.child)} has no tenant and refers to {shown(one.parent)}, which is not on every server: give"
            " it a tenant by the plan, or go without this key."
        )
    scale.know += [*_triggers(found), SHARED, REACHING]
    return scale


def _fence(session: Session, relations: list[str]) -> Iterator[str]:
    """What Citus refuses of row level security, or makes something else of; so says its source (commands/policy.c)."""
    ((asking, restrictive, tables),) = ask(session, "policies_citus_refuses", tables=sql.literal(relations))
    if asking:
        yield (
            f"{asking} policies of {tables} tables ask by a subquery: create_distributed_table refuses such a table."
            " Write them anew, with current_setting alone."
        )
    if restrictive:
        yield (
            f"{restrictive} policies of {tables} tables are RESTRICTIVE, and Citus makes permissive ones of them on its"
            " workers, where each then opens what it closes here. Let no tenant onto a cluster before the fence is"
            " written anew without them, and proved there."
        )


def _without_action(references: Iterable[Reference]) -> Iterator[str]:
    for one in references:
        if found := REFUSED.search(one.beside):
            yield (
                f"{shown(one.child)} ({', '.join(one.own)}) says{found[0]}, which Citus refuses in a key with the"
                " tenant: the application has to do it."
            )


def _everywhere(found: Catalogue, own: set[str]) -> list[str]:
    """Tables without a tenant that tenants' rows refer to, or that such a table refers to; those referred to first."""
    wanted, at = list[str](), set(own)
    while at:
        parents = {one.parent for one in found.references if one.child in at} - own - set(wanted)
        wanted = [*sorted(parents & found.tables.keys()), *wanted]
        at = parents
    return wanted


def _triggers(found: Catalogue) -> list[str]:
    names = [f"{shown(table.relation)} ({len(table.triggers)})" for table in found.of_tenants() if table.triggers]
    if not names:
        return []
    return [
        f"Triggers of {', '.join(names)}: Citus runs them with citus.enable_unsafe_triggers only, and they may touch"
        " what lies beside the row alone. VITAL's guard of references asks the Platform's rows, which lie elsewhere: it"
        " would have to go."
    ]
