"""Options that several verbs have, each with one meaning."""

from argparse import ArgumentTypeError, _ActionsContainer

from vital.cli.parser import Parser


def common(parser: Parser) -> None:
    """Of every verb that works by a plan."""
    parser.add_argument("--plan", default="", metavar="FILE", help="the plan (default: VITAL_PLAN, or VITAL's own)")
    parser.add_argument("--yes", action="store_true", help="ask no questions")


def reason(parser: Parser) -> None:
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; it is written down")


def background(parser: _ActionsContainer) -> None:
    parser.add_argument("--background", action="store_true", help="leave it to a worker, and end here")


def background_or_dry_run(parser: Parser, means: str) -> None:
    group = parser.add_mutually_exclusive_group()
    background(group)
    dry_run(group, means)


def workers(parser: Parser) -> None:
    parser.add_argument("--workers", type=_processes, default=1, metavar="N", help="N processes (default: 1)")


def _processes(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 32:
        raise ArgumentTypeError(f"{text!r} is not a number of processes from 1 to 32")
    return int(text)


def dry_run(parser: _ActionsContainer, means: str = "show what would be done, and write nothing") -> None:
    parser.add_argument("--dry-run", action="store_true", help=means)


def slug(parser: Parser) -> None:
    parser.add_argument("slug", metavar="SLUG", help="the tenant")


def slug_with_reason(parser: Parser) -> None:
    slug(parser)
    reason(parser)


def slug_with_host(parser: Parser) -> None:
    slug(parser)
    parser.add_argument("host", metavar="HOST", help="ai.pharma.example")
    reason(parser)


def slug_with_alias(parser: Parser) -> None:
    slug(parser)
    parser.add_argument("alias", metavar="UUID", help="the further id")
    reason(parser)


def new_tenant(parser: Parser) -> None:
    parser.add_argument("--name", default="", help="what it is called")
    parser.add_argument("--id", default="", metavar="UUID", help="its id (default: a new one)")
    parser.add_argument("--domain", default="", metavar="HOST", help="its own host name")
