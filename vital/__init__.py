"""VITAL: one multi-tenant PostgreSQL, made from a single-tenant one."""
