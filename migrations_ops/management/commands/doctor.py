"""`./manage.py doctor`: what could go wrong, and what to do about it."""

from django.core.management.base import CommandParser
from rich.console import Console

from migrations_ops.diagnostics import service as diagnostics
from migrations_ops.management.output.doctor import counted, show_signs
from vital.cli.base_command import Options, VitalCommand
from vital.cli.exit_codes import DONE, FAILED, Answer

EXAMPLES = """
examples:
  ./manage.py doctor           settings, roles, versions, plan, indexes, isolation: each with a fix
  ./manage.py doctor --json    the same for a machine

exit codes: 0 nothing fails; 1 something fails; 2 wrong usage
"""


class Command(VitalCommand):
    help = "Look at everything that could go wrong, and say what to do about it. Changes nothing."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_report_arguments(parser)

    def head(self, options: Options) -> dict[str, str]:
        return {"verb": "doctor"}

    def act(self, options: Options, console: Console) -> Answer:
        signs = diagnostics.examine()
        show_signs(console, signs)
        counts = counted(signs)
        return {"signs": [sign.document() for sign in signs]} | counts, FAILED if counts["fail"] else DONE
