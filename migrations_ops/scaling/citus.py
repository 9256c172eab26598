"""Over several servers with Citus, by tenant. Its rules: https://docs.citusdata.com/en/latest/develop/reference_ddl.html

Every unique key of a distributed table holds the distribution column; so does a foreign key between two of them, whose
rows lie together then. A reference table is whole on every server: others may refer to it, it to no distributed one.
"""

from migrations_ops.engine.session import Session
from migrations_ops.reading import shown
from migrations_ops.scaling.catalogue import Catalogue, across
from migrations_ops.scaling.plan import Scale
from migrations_ops.scaling.statements import copied_everywhere, spread

SHARED = (
    "The Platform's rows lie in the tenants' tables, and so on one server of their own: a list of a tenant's rows and"
    " the Platform's asks two servers. Measure it, or keep them in reference tables of their own."
)
POLICIES = (
    "Policies on the tenant column go along (Citus 11 and newer); run manage.py doctor and prove_isolation on the"
    " cluster before anybody is let in."
)


def plan(session: Session, found: Catalogue, nobodys: dict[str, int]) -> Scale:
    """`nobodys`: table → rows without a tenant, which have no server to lie on. In a transaction."""
    scale, own = Scale("citus"), {table.relation for table in found.of_tenants()}
    everywhere = _everywhere(found, own)
    for table in found.tables.values():
        scale.kinds[table.relation] = (
            ("distributed", "its rows are tenants'") if table.has_tenant
            else ("reference", "tenants' rows refer to it") if table.relation in everywhere
            else ("local", "nothing of a tenant refers to it")
        )  # fmt: skip
    for relation, count in nobodys.items():
        scale.decide.append(f"{count:,} rows of {shown(relation)} have no tenant, and so no server to lie on.")
    into = [one for one in found.references if one.parent in own]
    scale.statements += scale.let_go(into)
    scale.statements += scale.widen([key for table in found.of_tenants() for key in table.too_wide])
    scale.statements += [copied_everywhere(relation) for relation in everywhere]
    biggest = sorted(found.of_tenants(), key=lambda table: (-table.bytes, table.relation))
    scale.statements += [
        spread(table.relation, biggest[0].relation if number else "") for number, table in enumerate(biggest)
    ]
    within = [one for one in into if one.child in own]
    scale.statements += scale.refer_within(within, {one.name: across(session, one) for one in within})
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
    scale.know += [*_triggers(found), SHARED, POLICIES]
    return scale


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
