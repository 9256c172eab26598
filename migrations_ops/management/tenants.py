"""The verbs of `manage.py tenants`: call the one service, show what came of it."""

from rich.console import Console

from migrations_ops import services
from migrations_ops.management import show_tenants
from migrations_ops.management.answers import DONE, USAGE, Answer, Options
from migrations_ops.management.archives import bring_in, export, remove
from migrations_ops.management.cloning import clone
from migrations_ops.management.hosts import add_host, remove_host
from migrations_ops.management.moving import move, move_back
from migrations_ops.management.sleeping import activate, suspend
from migrations_ops.management.verbs import Verbs

SET = "set takes SLUG NAME=VALUE …, and NAME= to take a setting away: manage.py tenants set pharma limits.max_tools=200"


def everybody(options: Options, console: Console) -> Answer:
    found = services.all_tenants()
    if not options["json"]:
        show_tenants.everybody(console, found)
    return {"tenants": found}, DONE


def show(options: Options, console: Console) -> Answer:
    document = services.tenant_named(_slug(options))
    if not options["json"]:
        show_tenants.one(console, document, services.settings_of(document["slug"]))
    return {"tenant": document}, DONE


def add(options: Options, console: Console) -> Answer:
    slug = _slug(options)
    wanted = services.New(
        slug, options["name"] or slug, id=options["id"], domain=options["domain"], like=options["like"]
    )
    document = services.add_tenant(wanted, options["reason"])
    console.print(f"[green]Added[/] {slug}, {document['id']}. It has no row yet, and sees the Platform's.")
    console.print(f"What its application is told: manage.py tenants env {slug}", highlight=False)
    return {"tenant": document}, DONE


def change(options: Options, console: Console) -> Answer:
    pairs = [word.partition("=") for word in options["words"][1:]]
    if not pairs or not all(equals for _, equals, _ in pairs):
        return {"error": SET}, USAGE
    done = services.configure_tenant(_slug(options), {name: value for name, _, value in pairs}, options["reason"])
    for name, (before, after) in done["changed"].items():
        console.print(f"{name}: {show_tenants.value(before)} → {show_tenants.value(after)}", highlight=False)
    if not done["changed"]:
        console.print("Nothing to change: all of it is set so already.")
    return done, DONE


def env(options: Options, console: Console) -> Answer:
    found = services.environment_of(_slug(options), options["url"])
    for name, value in found.items():
        if not options["json"]:
            console.file.write(f"{name}={value}\n")
    return {"env": found}, DONE


def _slug(options: Options) -> str:
    """The tenant that is named; the service says so where there is none of that name."""
    return str(options["words"][0]) if options["words"] else ""


VERBS: Verbs = {
    "list": everybody, "show": show, "add": add, "set": change, "add-host": add_host, "remove-host": remove_host,
    "suspend": suspend, "activate": activate, "env": env,
    "move": move, "move-back": move_back, "clone": clone, "export": export, "import": bring_in, "remove": remove,
}  # fmt: skip
