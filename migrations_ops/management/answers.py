"""What a verb is given and what it answers: a document for machines, and an exit code."""

from typing import Any

Options = dict[str, Any]
Answer = tuple[dict[str, Any], int]
DONE, FAILED, USAGE, STOPPED = 0, 1, 2, 3
