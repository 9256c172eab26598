"""The door to vectors: what approximate indexes give tenants behind isolation, and what gives them more."""

from typing import TYPE_CHECKING

from vital.lazy import names_of

if TYPE_CHECKING:
    from migrations_ops.vectors.catalogue import can_be_measured
    from migrations_ops.vectors.measure import Asking
    from migrations_ops.vectors.recall import NotIsolated, measure, undo

__all__ = ["Asking", "NotIsolated", "can_be_measured", "measure", "undo"]
__getattr__ = names_of(
    __package__, {"catalogue": "can_be_measured", "measure": "Asking", "recall": "NotIsolated measure undo"}
)
