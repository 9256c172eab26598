"""The door to distribution: tables on several servers of a Citus cluster, shown, carried out and taken back."""

from typing import TYPE_CHECKING

from vital.lazy import names_of

if TYPE_CHECKING:
    from migrations_ops.distribution.carry import NoCluster, distribute, shown_plan, take_back
    from migrations_ops.distribution.placing import Wanted, place, shown_placement

__all__ = ["NoCluster", "Wanted", "distribute", "place", "shown_placement", "shown_plan", "take_back"]
__getattr__ = names_of(
    __package__,
    {"carry": "NoCluster distribute shown_plan take_back", "placing": "Wanted place shown_placement"},
)
