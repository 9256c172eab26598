"""`./manage.py check`: Django's checks, and with --deploy whether isolation has a gap; also as JSON or SARIF."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core import checks
from django.core.management.base import CommandError, CommandParser
from django.db import connections
from rich.console import Console

from tenants.isolation import service as isolation
from vital import private_files
from vital.cli.base_command import Options, VitalCommand
from vital.cli.exit_codes import DONE, FAILED, USAGE, Answer

EXAMPLES = """
examples:
  ./manage.py check                          Django's own checks; no database is needed
  ./manage.py check --deploy                 those before a deployment as well: settings, and gaps of isolation
  ./manage.py check --deploy --sarif FILE    the same for code scanning

exit codes: 0 nothing of the level of --fail-level or above; 1 something; 2 wrong usage
"""
LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")


class Command(VitalCommand):
    help = "Django's checks; --deploy: and whether isolation has a gap."
    examples = EXAMPLES
    interrupted = "Stopped. Nothing was changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("apps", metavar="APP", nargs="*", help="check these alone (default: all)")
        parser.add_argument("-t", "--tag", action="append", dest="tags", metavar="TAG", help="run checks of this tag")
        parser.add_argument("--list-tags", action="store_true", help="print the tags that there are")
        parser.add_argument("--deploy", action="store_true", help="those before a deployment as well")
        parser.add_argument(
            "--fail-level", default="ERROR", choices=LEVELS, help="exit 1 from this level on (default: ERROR)"
        )
        parser.add_argument(
            "--database",
            action="append",
            dest="databases",
            choices=tuple(connections),
            help="run checks of this database as well",
        )
        parser.add_argument("--sarif", default="", metavar="FILE", help="write what was found as SARIF as well")
        self.add_report_arguments(parser)

    def act(self, options: Options, console: Console) -> Answer:
        if options["list_tags"]:
            tags = sorted(checks.registry.registry.tags_available(options["deploy"]))
            if not options["json"]:
                console.file.write("".join(f"{tag}\n" for tag in tags))
            return {"tags": tags}, DONE
        found = _found(options)
        if options["sarif"]:
            document = isolation.sarif([_finding(one) for one in found])
            private_files.write(Path(options["sarif"]), json.dumps(document, indent=2))
        if not options["json"]:
            self._show(found, console)
        failed = any(one.is_serious(getattr(checks, options["fail_level"])) for one in found)
        return {"checks": [_document(one) for one in found]}, FAILED if failed else DONE

    def _show(self, found: Sequence[checks.CheckMessage], console: Console) -> None:
        """What was found is on stderr, as Django's own command has it."""
        for one in found:
            self.stderr.write(f"{_level(one)}: {one}", str)
        if not found:
            console.print("No problems found.")


def _found(options: Options) -> list[checks.CheckMessage]:
    """What is not silenced, the worst first."""
    for tag in options["tags"] or ():
        if not checks.tag_exists(tag, options["deploy"]):
            raise CommandError(f"No check has the tag {tag}. See: ./manage.py check --list-tags", returncode=USAGE)
    try:
        chosen = [apps.get_app_config(name) for name in options["apps"]] or None
    except LookupError as error:
        raise CommandError(str(error), returncode=USAGE) from error
    found = checks.run_checks(
        app_configs=chosen,
        tags=options["tags"],
        include_deployment_checks=options["deploy"],
        databases=options["databases"],
    )
    return sorted((one for one in found if not one.is_silenced()), key=lambda one: -one.level)


def _level(one: checks.CheckMessage) -> str:
    return next((name for name in LEVELS if one.level >= getattr(checks, name)), LEVELS[-1])


def _document(one: checks.CheckMessage) -> dict[str, Any]:
    return {"id": one.id, "level": _level(one), "object": _object(one), "message": one.msg, "hint": one.hint}


def _finding(one: checks.CheckMessage) -> isolation.Finding:
    level = "error" if one.level >= checks.ERROR else "warning" if one.level >= checks.WARNING else "note"
    message = f"{one.msg} {one.hint}" if one.hint else one.msg
    return isolation.Finding(one.id or "check", _object(one), message, level)


def _object(one: checks.CheckMessage) -> str:
    return "settings" if one.obj is None else getattr(one.obj, "__name__", None) or str(one.obj)
