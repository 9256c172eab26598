"""The verbs of `./manage.py tenants`: call the one service, show what came of it."""

from rich.console import Console

from migrations_ops.management import options, show_tenants
from migrations_ops.management.answers import DONE, USAGE, Answer, Options
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from tenants.parsing import Parser

SETTINGS = (
    "set takes SLUG NAME=VALUE …, and NAME= to take a setting away: ./manage.py tenants set pharma limits.max_tools=200"
)


def everybody(options: Options, console: Console) -> Answer:
    found = lifecycle.all_tenants()
    if not options["json"]:
        show_tenants.everybody(console, found)
    return {"tenants": found}, DONE


def show(options: Options, console: Console) -> Answer:
    document = lifecycle.tenant_named(options["slug"])
    if not options["json"]:
        show_tenants.one(console, document, lifecycle.settings_of(document["slug"]))
    return {"tenant": document}, DONE


def add(options: Options, console: Console) -> Answer:
    slug = options["slug"]
    wanted = lifecycle.New(
        slug, options["name"] or slug, id=options["id"], domain=options["domain"], like=options["like"]
    )
    document = lifecycle.add_tenant(wanted, options["reason"])
    console.print(f"[green]Added[/] {slug}, {document['id']}. It has no row yet, and sees the Platform's.")
    console.print(f"What its application is told: ./manage.py tenants env {slug}", highlight=False)
    return {"tenant": document}, DONE


def change(options: Options, console: Console) -> Answer:
    pairs = [word.partition("=") for word in options["settings_given"]]
    if not all(equals for _, equals, _ in pairs):
        return {"error": SETTINGS}, USAGE
    done = lifecycle.configure_tenant(options["slug"], {name: value for name, _, value in pairs}, options["reason"])
    for name, (before, after) in done["changed"].items():
        console.print(f"{name}: {show_tenants.value(before)} → {show_tenants.value(after)}", highlight=False)
    if not done["changed"]:
        console.print("Nothing to change: all of it is set so already.")
    return done, DONE


def _of_add(parser: Parser) -> None:
    options.slug(parser)
    options.new_tenant(parser)
    parser.add_argument("--like", default="", metavar="SLUG", help="begin with the settings of this tenant")
    options.reason(parser)


def _of_set(parser: Parser) -> None:
    options.slug(parser)
    parser.add_argument("settings_given", nargs="+", metavar="NAME=VALUE", help="NAME= takes a setting away")
    options.reason(parser)


LIST = Verb("list", "who there is, with the rows that each has", everybody)
SHOW = Verb("show", "one tenant: settings, host names, rows", show, options.slug)
ADD = Verb("add", "a tenant without rows", add, _of_add)
SET = Verb("set", "change settings; in force within a second", change, _of_set)
