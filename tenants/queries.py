"""Named statements for the rooms that stand on this one."""

from migrations_ops.engine.sql import load as load_queries

__all__ = ["load_queries"]
