"""The verbs of the host names under which a tenant is known."""

from rich.console import Console

from migrations_ops import services
from migrations_ops.management.answers import DONE, USAGE, Answer, Options

TAKES = "{verb} takes SLUG and HOST: manage.py tenants {verb} pharma ai.pharma.example --reason TEXT"


def add_host(options: Options, console: Console) -> Answer:
    if len(options["words"]) != 2:
        return {"error": TAKES.format(verb="add-host")}, USAGE
    slug, host = options["words"]
    document = services.add_host(slug, host, options["reason"])
    console.print(f"[green]Added.[/] {slug} is known as {', '.join(document['hosts'])}.", highlight=False)
    console.print(f"The service answers to {host} once VITAL_ALLOWED_HOSTS has it.", highlight=False)
    return {"tenant": document}, DONE


def remove_host(options: Options, console: Console) -> Answer:
    if len(options["words"]) != 2:
        return {"error": TAKES.format(verb="remove-host")}, USAGE
    slug, host = options["words"]
    document = services.remove_host(slug, host, options["reason"])
    console.print(f"[green]Removed.[/] {slug} is known as {', '.join(document['hosts'])}.", highlight=False)
    return {"tenant": document}, DONE
