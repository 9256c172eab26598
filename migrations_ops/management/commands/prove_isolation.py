"""`./manage.py prove_isolation`: proves, or refutes, that no tenant reaches another's rows."""

import json
import logging
from pathlib import Path

from django.core.management.base import CommandParser
from rich.console import Console

from migrations_ops.management.output.elements import waiting
from migrations_ops.management.output.isolation import show_attacks, show_bypasses
from tenants.isolation import service as isolation
from vital import private_files
from vital.cli.base_command import Options, VitalCommand
from vital.cli.exit_codes import DONE, FAILED, INCOMPLETE, USAGE, Answer

EXAMPLES = """
examples:
  ./manage.py prove_isolation                      attack the database; nothing is planted for real
  ./manage.py prove_isolation --json               one document: leaks, attacks, not_tried, matrix
  ./manage.py prove_isolation --bypasses           what isolation does not cover: roles, functions, views, tables
  ./manage.py prove_isolation --url https://api.example.org --jwt-secret-env SUPABASE_JWT_SECRET
                                                 the database and the live service, with rows planted and removed
  ./manage.py prove_isolation --openapi https://api.example.org/openapi.json --as north=env:NORTH --as south=env:SOUTH
                                                 an API of anybody's: rows of the one with the credential of the other

exit codes: 0 held; 1 a leak, something reached that the plan does not allow, or isolation is off;
            2 wrong usage, settings, connection or password;
            4 held as far as it was tried: the budget was used up before every tenant had its turn
"""


class Command(VitalCommand):
    help = "Attack the database and the service as every tenant, and show whether one reaches another's rows."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bypasses", action="store_true", help="list what isolation does not cover; only reads")
        parser.add_argument(
            "--sql",
            action="store_true",
            help="print what would take the tables from others, and keep files by tenant",
        )
        parser.add_argument("--url", default="", help="attack the live service at this address as well")
        parser.add_argument(
            "--openapi", default="", metavar="URL", help="attack the API that this document describes instead; any API"
        )
        parser.add_argument(
            "--as",
            dest="credentials",
            action="append",
            default=[],
            metavar="TENANT=CREDENTIAL",
            help='for --openapi, twice at least: a token, "Header: value", env:NAME or file:PATH',
        )
        parser.add_argument(
            "--writes", action="store_true", help="for --openapi: operations that write as well; a leak does harm there"
        )
        parser.add_argument("--junit", default="", metavar="FILE", help="write the attacks as JUnit as well")
        parser.add_argument("--sarif", default="", metavar="FILE", help="write what was found as SARIF as well")
        parser.add_argument(
            "--jwt-secret-env",
            default="SUPABASE_JWT_SECRET",
            metavar="NAME",
            help="the variable that holds the secret of its tokens (default: SUPABASE_JWT_SECRET)",
        )
        parser.add_argument(
            "--budget",
            type=float,
            metavar="SECONDS",
            help="for the database, and for the service (default: 60; in the database two a table if that is more)",
        )
        parser.add_argument("--all-pairs", action="store_true", help="each tenant against each other, without a budget")
        self.add_report_arguments(parser)

    def act(self, options: Options, console: Console) -> Answer:
        import structlog  # slow to import, and the command's help needs it not

        # The service in this process has nothing to tell of refusals: they are what is wanted.
        logging.getLogger("django.request").setLevel(logging.CRITICAL)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        try:
            if options["sql"]:
                return _statements(options, console)
            return _bypasses(options, console) if options["bypasses"] else _attack(options, console)
        except KeyboardInterrupt:
            return {"error": "Stopped. Nothing was proven, and nothing of it is left in the database."}, USAGE


def _attack(options: Options, console: Console) -> Answer:
    if options["openapi"]:
        report = isolation.attack_api(options["openapi"], options["credentials"], writes=options["writes"])
    else:
        how = {"budget": options["budget"], "all_pairs": options["all_pairs"]}
        report = isolation.attack(options["url"], options["jwt_secret_env"], waiting(console), **how)
    document = report.document()
    if options["junit"]:
        private_files.write(Path(options["junit"]), isolation.junit(document))
    if options["sarif"]:
        private_files.write(Path(options["sarif"]), json.dumps(isolation.sarif(isolation.findings(document)), indent=2))
    if not options["json"]:
        show_attacks(console, document)
    return document, (DONE if report.complete else INCOMPLETE) if report.holds else FAILED


def _statements(options: Options, console: Console) -> Answer:
    statements = isolation.statements_for_others()
    if not options["json"]:
        console.file.write("".join(f"{statement}\n" for statement in statements))
    return {"statements": statements}, DONE


def _bypasses(options: Options, console: Console) -> Answer:
    document = isolation.bypasses()
    if not options["json"]:
        show_bypasses(console, document)
    return document, DONE
