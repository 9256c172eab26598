"""The verb that says what a tenant's application is told."""

from rich.console import Console

from migrations_ops.management import options
from migrations_ops.management.answers import DONE, Answer, Options
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from tenants.parsing import Parser


def env(options: Options, console: Console) -> Answer:
    found = lifecycle.environment_of(options["slug"], options["url"])
    for name, value in found.items():
        if not options["json"]:
            console.file.write(f"{name}={value}\n")
    return {"env": found}, DONE


def _of_env(parser: Parser) -> None:
    options.slug(parser)
    parser.add_argument("--url", default="", help="the service's address, for NEXT_PUBLIC_API_URL")


ENV = Verb("env", "what its application is told", env, _of_env)
