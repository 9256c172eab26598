"""Whether the service in this container answers. A worker's container has none, and is well as long as it runs."""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

FIRST = Path("/proc/1/cmdline")


def host() -> str:
    """A name that the service answers to."""
    names = os.environ.get("VITAL_ALLOWED_HOSTS", "").split(",")
    return next((name for name in names if name and not name.startswith(".")), "localhost")


def main() -> int:
    if b"vital.serve" not in FIRST.read_bytes():
        return 0
    request = urllib.request.Request(f"http://127.0.0.1:{os.environ.get('PORT', '3000')}/health/live")
    request.add_header("Host", host())
    try:
        with urllib.request.urlopen(request, timeout=4) as answer:  # noqa: S310  # a fixed address of our own
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, OSError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
