"""What rows are changed under: who is informed of progress and waits, who may stop it, and when there is capacity."""

from collections.abc import Callable
from dataclasses import dataclass

from migrations_ops.engine.throttle import Throttle


@dataclass(frozen=True)
class Watch:
    """`batch_done` gets (done, total, rows changed); `waiting` a reason; `check_stop` raises Stopped."""

    batch_done: Callable[[int, int, int], None]
    waiting: Callable[[str], None]
    check_stop: Callable[[], None]
    throttle: Throttle

    def make_room(self, relation: str) -> None:
        """Return once the load signals are calm."""
        self.throttle.make_room(relation, self.waiting, self.check_stop)
