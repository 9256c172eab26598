"""VITAL: one multi-tenant PostgreSQL, made from a single-tenant one."""

__version__ = "0.2.0"  # of the newest release in CHANGELOG.md
