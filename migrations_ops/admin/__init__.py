"""The control room: what the migration remembers, and each row with its tenant and the rule that put it there."""

from migrations_ops.admin import assignments as assignments
from migrations_ops.admin import audit_trail as audit_trail
from migrations_ops.admin import decisions as decisions
from migrations_ops.admin import findings as findings
from migrations_ops.admin import maintenance as maintenance
from migrations_ops.admin import runs as runs
from migrations_ops.admin import tenants as tenants
