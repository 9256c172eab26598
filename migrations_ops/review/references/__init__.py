"""References between the rows of two tenants: which there are, the ways to resolve them, and how that is undone."""

from migrations_ops.review.references.carry_out import NoSuchReferences
from migrations_ops.review.references.carry_out import Wanted as References

__all__ = ["NoSuchReferences", "References"]
