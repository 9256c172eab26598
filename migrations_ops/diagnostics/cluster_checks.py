"""What only a cluster has: tables on several nodes, and roles as which nodes let each other in."""

from collections.abc import Iterator

from migrations_ops.diagnostics.result import WARN, Result, good
from migrations_ops.engine.session import Session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.model import Plan
from tenants.isolation import nodes
from vital.counts import counted
from vital.db import cluster

UNREAD = "who may log in as vital_tenant or vital_operator cannot be read by this login"
UNREAD_FIX = "As a superuser: SELECT * FROM pg_hba_file_rules. Let both roles in from the nodes' addresses alone."
LET_IN_FIX = "Let both roles in from the nodes' addresses alone, in pg_hba.conf: whoever logs in may name any tenant."


def results(session: Session, plan: Plan) -> Iterator[Result]:
    """Nothing on a server that is no cluster, or before tables are placed."""
    form = cluster.form_of(session.execute, inventory_of(plan).closed)
    if not form.placement:
        return
    for node, found in nodes.let_in(session.execute):
        if found is None:
            yield Result("nodes", WARN, UNREAD, UNREAD_FIX)
        for rule in found or ():
            yield Result("nodes", WARN, f"{node} lets in: {rule}", LET_IN_FIX)
    distributed = sum(how == cluster.DISTRIBUTED for how in form.placement.values())
    others = len(form.placement) - distributed
    yield good("cluster", f"{counted(distributed, 'table')} distributed by tenant, {others} on each node")
