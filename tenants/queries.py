"""Named statements for the rooms that stand on this one."""

from vital.db.sql import load as load_queries

__all__ = ["load_queries"]
