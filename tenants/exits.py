"""How a command ends that could not do what it was told."""

import json
import sys
from typing import NoReturn

FAILED, USAGE, INTERRUPTED = 1, 2, 3


def fail(error: object, code: int, *, as_json: bool = False) -> NoReturn:
    """One line on stderr, or one document on stdout, and out."""
    said = " ".join(str(error).split())
    if as_json:
        print(json.dumps({"exit_code": code, "error": said}, ensure_ascii=False))
    else:
        print("error:", said, file=sys.stderr)
    sys.exit(code)
