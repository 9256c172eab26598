"""What a verb is given, who listens while it works, and what it answers: a document and an exit code."""

from pathlib import Path
from typing import Any

from rich.console import Console

from migrations_ops.engine.events import Listener, Listeners
from migrations_ops.management.terminal import Terminal
from migrations_ops.runs.service import LogFiles

Options = dict[str, Any]
Answer = tuple[dict[str, Any], int]
DONE, FAILED, USAGE, STOPPED = 0, 1, 2, 3


def listener(options: Options, console: Console, *others: Listener) -> Listeners:
    return Listeners(Terminal(console), LogFiles(Path(options["log_dir"])), *others)
