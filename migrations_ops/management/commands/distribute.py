"""`./manage.py distribute`: tables over the servers of a Citus cluster, and back."""

from django.core.management.base import CommandParser
from rich.console import Console

from migrations_ops.distribution import service as distribution
from migrations_ops.management import arguments
from migrations_ops.management.output.distribution import NEXT, REFUSED, show_distribution, would_be_refused
from migrations_ops.management.output.elements import waiting
from migrations_ops.management.output.run import result_document
from migrations_ops.management.output.terminal import listeners
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options, VitalCommand
from vital.cli.exit_codes import DONE, FAILED, USAGE, Answer
from vital.cli.parser import Parser

EXAMPLES = """
examples:
  ./manage.py distribute                           where each table would lie, and what is lost; only reads
  ./manage.py distribute --yes                     carry it out; what was killed goes on where it stopped
  ./manage.py distribute --undo --yes              every table on the coordinator again, with its keys as they were

exit codes: 0 done, or shown; 1 it is refused or failed; 2 wrong usage, settings or connection, or no cluster; 3 Ctrl-C
"""


class Command(VitalCommand):
    help = "Distribute isolated tables over a Citus cluster, by tenant; or undo that."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        assert isinstance(parser, Parser)
        parser.add_argument("--yes", action="store_true", help="carry it out; without it, it is only shown")
        parser.add_argument("--undo", action="store_true", help="take the distribution back; needs --yes")
        arguments.reason(parser)
        self.add_report_arguments(parser)

    def head(self, options: Options) -> dict[str, str]:
        return {"verb": "undo" if options["undo"] else "distribute"}

    def act(self, options: Options, console: Console) -> Answer:
        if options["undo"] and not options["yes"]:
            return {"error": "--undo moves every row back to the coordinator: add --yes. Nothing was changed."}, USAGE
        return _carried_out(options, console) if options["yes"] else _shown(options, console)


def _shown(options: Options, console: Console) -> Answer:
    document = distribution.shown_plan(waiting(console))
    refused = would_be_refused(document)
    if not options["json"]:
        show_distribution(console, document)
        console.print()
        console.print(
            "The tables are distributed." if document["status"] == "distributed" else REFUSED if refused else NEXT
        )
    return document, FAILED if refused else DONE


def _carried_out(options: Options, console: Console) -> Answer:
    act = distribution.take_back if options["undo"] else distribution.distribute
    with listeners(options, console) as heard_by:
        result = act(heard_by, runs.Actor(reason=options["reason"]))
    if not options["json"]:
        console.print()
        if result.status == "nothing_to_do":
            console.print("Nothing to do; nothing was changed.")
        elif options["undo"]:
            console.print("Undo complete: every table is on the coordinator, with its keys as they were.")
        else:
            console.print("Distributed. Prove it with: ./manage.py prove_isolation")
    return result_document(result), DONE
