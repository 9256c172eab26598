"""`tenants env`: what a tenant's application is told."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer
from vital.cli.parser import Parser


def env(options: Options, console: Console) -> Answer:
    found = lifecycle.environment_of(options["slug"], options["url"])
    for name, value in found.items():
        if not options["json"]:
            console.file.write(f"{name}={value}\n")
    return {"env": found}, DONE


def _arguments(parser: Parser) -> None:
    arguments.slug(parser)
    parser.add_argument("--url", default="", help="the service's address, for NEXT_PUBLIC_API_URL")


VERB = Verb("env", "what its application needs", env, _arguments)
