"""The admin's pages of the migration: what it remembers, and each row with its tenant and the rule."""

from migrations_ops.admin import assignments as assignments
from migrations_ops.admin import audit_log as audit_log
from migrations_ops.admin import findings as findings
from migrations_ops.admin import ledger as ledger
from migrations_ops.admin import maintenance as maintenance
from migrations_ops.admin import overrides as overrides
from migrations_ops.admin import runs as runs
from migrations_ops.admin import tenants as tenants
