"""The table of contents: the seven phases of the migration, in order."""

from migrations_ops.engine.steps import Phase
from migrations_ops.phases import (
    platform_data,
    post_validation,
    pre_validation,
    row_level_security,
    schema_fixes,
    tenant_data,
    tenant_setup,
)
from migrations_ops.rules.model import Plan

IN_ORDER = (  # Expand first, contract last: 001 only adds, 003 and 004 only assign, 005 only reads, 006 closes.
    pre_validation,  # refuse early, remember how everything was
    schema_fixes,  # add what is missing, guard what would react
    tenant_setup,  # the tenants, and the trigger for rows still written without one
    platform_data,  # what is the Platform's
    tenant_data,  # what is the others', and what follows a parent
    post_validation,  # every check, read-only
    row_level_security,  # close, and prove it
)
TITLES = {module.KEY: module.TITLE for module in IN_ORDER}  # known without the steps, which take a while to make


def phases(plan: Plan) -> tuple[Phase, ...]:
    """With the steps that the plan asks for."""
    return tuple(module.phase(plan) for module in IN_ORDER)
