"""`migrate_tenants resolve`: references into another tenant, which there are, and how they are resolved and undone."""

import time
from typing import Any

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.confirm import confirmed
from migrations_ops.management.output.decisions import show_next_phase
from migrations_ops.management.output.elements import progress, waiting
from migrations_ops.management.output.references import show_groups, show_outcome, show_undone
from migrations_ops.management.verb import Verb
from migrations_ops.review import service as review
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, STOPPED, USAGE, Answer
from vital.cli.parser import Parser
from vital.counts import counted

HOW = (
    'resolve lists the references; TABLE COLUMNS TENANT PARENT_TENANT --by WAY --reason "..." resolves some; --undo'
    ' NUMBER --reason "..." undoes a resolution. --dry-run, --key and --follow are for the second. Nothing was done.'
)


def resolve(options: Options, console: Console) -> Answer:
    words, of_group = options["words"], (options["by"], options["key"], options["follow"], options["dry_run"])
    if options["undo"] is not None and not words and not any(of_group):
        return _undo(options, console)
    if options["undo"] is None and not words and not any(of_group):
        groups = review.reference_groups()
        show_groups(console, groups)
        return {"groups": groups}, DONE
    if options["undo"] is not None or len(words) != 4 or not options["by"]:
        return {"error": HOW}, USAGE
    table, columns, tenant, other = words
    keys = tuple(options["key"])
    wanted = review.References(table, columns, tenant, other, options["by"], keys, options["follow"])
    waits = waiting(console)
    document = review.resolve(wanted, options["reason"], waits, dry_run=True)
    show_outcome(console, document)
    if options["dry_run"]:
        console.print("Nothing was changed.")
        return document | {"status": "dry_run"}, DONE
    if not document["refused"] and not confirmed(options, "Resolving references", "Resolve them so?"):
        return {"status": "cancelled"}, STOPPED
    return _carry_out(wanted, options, console, document)


def _carry_out(wanted: Any, options: Options, console: Console, document: dict[str, Any]) -> Answer:
    """What was shown, and the rest of a big group in the same way, some thousand references at a time."""
    started, total, done, numbers = time.monotonic(), document["open"], 0, list[int]()
    waits, say = waiting(console), progress(console)
    while True:
        document = review.resolve(wanted, options["reason"], waits, seen=document["token"], say=say)
        numbers.append(document["number"])
        done += document["references"]
        console.print(f"[green]Resolved[/] {counted(document['references'], 'reference')}.", highlight=False)
        console.print(
            f'Undo it with: ./manage.py migrate_tenants resolve --undo {document["number"]} --reason "..."',
            highlight=False,
        )
        if wanted.keys or done >= total:
            break
        rate = done / max(time.monotonic() - started, 0.001)
        console.print(
            f"{done:,} of {total:,}, {rate:,.0f} a second, {(total - done) / rate:,.0f} s left", highlight=False
        )
        try:
            document = review.resolve(wanted, options["reason"], waits, dry_run=True)
        except review.NoSuchReferences:
            break  # another session, or what went along, has resolved the rest
    show_next_phase(console, document["next"])
    return document | {"status": "resolved", "references": done, "numbers": numbers}, DONE


def _undo(options: Options, console: Console) -> Answer:
    number = options["undo"]
    if options["reason"] and not confirmed(options, "Undoing", f"Undo the resolution {number}?"):
        return {"status": "cancelled"}, STOPPED
    document = review.undo_resolution(number, options["reason"], waiting(console), say=progress(console))
    show_undone(console, document)
    show_next_phase(console, document["next"])
    return document | {"status": "undone"}, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="TABLE COLUMNS TENANT PARENT_TENANT", help="a group, as it is listed"
    )
    ways = review.REFERENCE_WAYS
    parser.add_argument("--by", choices=ways, default="", metavar="WAY", help=f"one of {', '.join(ways)}")
    parser.add_argument(
        "--key", action="append", default=[], metavar="KEY", help="this referring row alone; repeatable"
    )
    parser.add_argument("--follow", action="store_true", help="moved or shared rows take along what they refer to")
    parser.add_argument("--undo", type=int, metavar="NUMBER", help="undo a resolution")
    arguments.reason(parser)
    arguments.dry_run(parser, "show what it comes to, and change nothing")


EXAMPLES = """
  ./manage.py migrate_tenants resolve
  ./manage.py migrate_tenants resolve knowledge_base source_id pharma digital-health --by copy --dry-run
  ./manage.py migrate_tenants resolve knowledge_base source_id pharma digital-health --by copy --reason "contract 17"
  ./manage.py migrate_tenants resolve --undo 12 --reason "a mistake"
"""
VERB = Verb("resolve", "references into another tenant: move, share, copy, or accept", resolve, _arguments, EXAMPLES)
