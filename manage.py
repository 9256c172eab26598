#!/usr/bin/env python
"""VITAL's command line: `manage.py migrate_tenants`, `manage.py migrate`, and Django's own commands."""

import json
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vital.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import NotSupportedError, OperationalError

    from vital.embedded import EmbeddedError

    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, EmbeddedError, OperationalError) as error:
        sys.exit(_refuse(f"{error}", 2))
    except NotSupportedError as error:  # Django's word for a server that is too old
        sys.exit(_refuse(f"{error}", 1))


def _refuse(message: str, code: int) -> int:
    message = " ".join(message.split())
    if "--json" in sys.argv:
        print(json.dumps({"exit_code": code, "error": message}, ensure_ascii=False))
    else:
        print("error:", message, file=sys.stderr)
    return code


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(_refuse("Stopped before anything was begun.", 3))
