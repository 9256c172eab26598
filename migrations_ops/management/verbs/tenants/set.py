"""`tenants set`: change a tenant's settings."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.tenants import setting_text
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, USAGE, Answer
from vital.cli.parser import Parser

HOW = (
    "set takes SLUG NAME=VALUE …, and NAME= to take a setting away: ./manage.py tenants set pharma limits.max_tools=200"
)


def set_settings(options: Options, console: Console) -> Answer:
    pairs = [word.partition("=") for word in options["settings_given"]]
    if not all(equals for _, equals, _ in pairs):
        return {"error": HOW}, USAGE
    done = lifecycle.configure_tenant(options["slug"], {name: value for name, _, value in pairs}, options["reason"])
    for name, (before, after) in done["changed"].items():
        console.print(f"{name}: {setting_text(before)} → {setting_text(after)}", highlight=False)
    if not done["changed"]:
        console.print("Nothing to change: everything is set so already.")
    return done, DONE


def _arguments(parser: Parser) -> None:
    arguments.slug(parser)
    parser.add_argument("settings_given", nargs="+", metavar="NAME=VALUE", help="NAME= takes a setting away")
    arguments.reason(parser)


VERB = Verb("set", "change settings; in force within a second", set_settings, _arguments)
