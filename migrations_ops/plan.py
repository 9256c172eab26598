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


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Expand first, contract last: 001 only adds, 003 and 004 only assign, 005 only reads, 006 closes."""
    return (
        pre_validation.phase(plan),  # refuse early, remember how everything was
        schema_fixes.phase(plan),  # add what is missing, guard what would react
        tenant_setup.phase(plan),  # the tenants, and the trigger for rows still written without one
        platform_data.phase(plan),  # what is the Platform's
        tenant_data.phase(plan),  # what is the others', and what follows a parent
        post_validation.phase(plan),  # every check, read-only
        row_level_security.phase(plan),  # close, and prove it
    )
