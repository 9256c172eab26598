#!/usr/bin/env python3
"""VITAL's command line: `./manage.py migrate_tenants`, `./manage.py migrate`, and Django's own commands."""

import atexit
import gc
import importlib.util
import json
import os
import sys

VENV = os.path.join(os.path.dirname(os.path.realpath(__file__)), ".venv")  # noqa: PTH118, PTH120


def in_our_venv() -> None:
    """Go on in the .venv beside this file, unless we are in a virtual environment that has VITAL's packages.

    So `./manage.py` can be typed in any shell, whatever its `python3` is: this much must be understood by old ones.
    """
    has_packages = importlib.util.find_spec("django_tenants") is not None
    if has_packages and sys.prefix != sys.base_prefix:
        return
    python = os.path.join(VENV, "bin", "python")  # noqa: PTH118
    if os.path.exists(python) and os.path.realpath(sys.prefix) != os.path.realpath(VENV):  # noqa: PTH110
        sys.stdout.flush()
        os.execv(python, [python, *sys.argv])  # noqa: S606  # our own interpreter
    if not has_packages:
        sys.exit(_refuse("VITAL's packages are not installed. Run: make setup", 2))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vital.settings")
    # What is imported stays. Looking for garbage in it would take a fifth of a short command, at its start and its end.
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    from vital.cli import command_line

    command_line.main()


def _refuse(message: str, code: int) -> int:
    """What vital/cli/exit_codes.py does, for as long as nothing can be imported."""
    if "--json" in sys.argv:
        print(json.dumps({"exit_code": code, "error": message}, ensure_ascii=False))
    else:
        print("error:", message, file=sys.stderr)
    return code


if __name__ == "__main__":
    try:
        in_our_venv()
        main()
    except KeyboardInterrupt:
        sys.exit(_refuse("Stopped before anything was begun.", 3))
