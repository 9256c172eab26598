"""`migrate_tenants impact`: try what applications send, show what breaks, and write it for code scanning."""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from rich.console import Console

from migrations_ops.impact import service as impacts
from migrations_ops.management.output.elements import progress
from migrations_ops.management.output.impact import show_impact, show_scan
from migrations_ops.management.verb import Verb
from migrations_ops.rehearsal import service as rehearsals
from tenants.isolation import service as isolation
from vital import private_files
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, FAILED, STOPPED, USAGE, Answer
from vital.cli.parser import Parser


def impact(options: Options, console: Console) -> Answer:
    try:
        document = impacts.scan(Path(options["folder"])) if options["folder"] else _tried(options, console)
    except KeyboardInterrupt:
        return {"error": "Stopped. The copy is dropped, and nothing was changed."}, STOPPED
    if options["sarif"] and "findings" in document:
        found = [isolation.Finding(*one) for one in impacts.as_reported(document)]
        try:
            private_files.write(Path(options["sarif"]), json.dumps(isolation.sarif(found), indent=2))
        except OSError as error:
            return {"error": f"The findings cannot be written to {options['sarif']}: {error.strerror}."}, USAGE
    if not options["json"]:
        (show_scan if options["folder"] else show_impact)(console, document)
    return document, FAILED if document.get("failed") or document["breaks"] else DONE


def _tried(options: Options, console: Console) -> dict[str, Any]:
    file, log = (Path(options[name]) if options[name] else None for name in ("file", "log"))
    asked = impacts.Asked(
        file, log, role=options["role"], tried_as=options["tried_as"], cost_factor=options["cost_factor"]
    )
    request = rehearsals.RehearsalRequest(options["rows"], options["where"], Path(options["log_dir"]), asked)
    return rehearsals.try_statements(request, progress(console))


def _factor(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if found <= 1:
        raise ArgumentTypeError(f"{text!r} is no factor above 1")
    return found


def _arguments(parser: Parser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--statements", dest="file", default="", metavar="FILE", help="the statements of this file")
    source.add_argument("--log", default="", metavar="FILE", help="those of a server's log: csvlog, jsonlog or stderr")
    source.add_argument(
        "--scan", dest="folder", default="", metavar="DIR", help="look into the sources of this folder instead"
    )
    parser.add_argument(
        "--role", default="", metavar="NAME", help="who sends them, where nothing says it (default: you)"
    )
    parser.add_argument(
        "--as", dest="tried_as", default=impacts.BOTH, choices=[impacts.TODAY, impacts.TENANT, impacts.BOTH],
        help="as whom they are tried: the role that sends them today, vital_tenant, or both (default)",
    )  # fmt: skip
    parser.add_argument(
        "--cost-factor", type=_factor, default=impacts.COST_FACTOR, metavar="N",
        help="a plan counts as slower where its estimated cost grows by more than this (default: 10)",
    )  # fmt: skip
    parser.add_argument("--sarif", default="", metavar="FILE", help="write the findings as SARIF as well")
    parser.add_argument(
        "--rows", type=int, default=20_000, metavar="N", help="about N rows of a table in the copy (default: 20000)"
    )
    parser.add_argument("--on", dest="where", default="", choices=["server", "embedded"], help="where the copy is made")


EXAMPLES = """
  ./manage.py migrate_tenants impact                      what pg_stat_statements has
  ./manage.py migrate_tenants impact --statements app.sql --role app
  ./manage.py migrate_tenants impact --scan src --sarif impact.sarif
"""
VERB = Verb("impact", "which statements of applications fail or mean something else", impact, _arguments, EXAMPLES)
