"""The words and options of migrate_tenants, by what they are for."""

from argparse import ArgumentParser

from migrations_ops.management import helpers
from migrations_ops.management.verbs import VERBS


def add_to(parser: ArgumentParser) -> None:
    parser.add_argument("verb", nargs="?", default="run", choices=[*VERBS], help="what to do (default: run)")
    words = "explain: TABLE ID; decide: TABLE ID TENANT; report: RUN; tune: NAME=VALUE …"
    parser.add_argument("words", nargs="*", help=words)
    _of_runs(parser)
    _of_rules(parser)
    _of_decisions(parser)
    parser.add_argument("--yes", action="store_true", help="ask no questions")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout instead of a report")
    parser.add_argument("--log-dir", default="logs", metavar="DIR", help="where the log files go (default: logs)")


def _of_runs(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--from", dest="first", default="", metavar="PHASE", help="run: start at this phase")
    add("--to", dest="last", default="", metavar="PHASE", help="run: stop after this phase")
    add("--only", default="", metavar="PHASE", help="run: this phase alone")
    add("--step-by-step", action="store_true", help="run: stop after each phase for a look")
    add("--tenant", default="", metavar="SLUG", help="run: this tenant first, fenced and proved alone")
    add("--table", default="", metavar="NAME", help="run, findings, suggest: this table alone")
    add("--workers", type=helpers.count, default=1, metavar="N", help="run, resume: N processes (default: 1)")
    add("--background", action="store_true", help="run, resume, undo: leave it to a worker, and end here")
    add("--maintenance", action="store_true", help="run: the API does not write until the run is completed")
    add("--no-backup", action="store_true", help="run: no backup before the first change")
    add("--phase", default="", metavar="PHASE", help="undo: back to before this phase")
    add("--archive", default="", metavar="FILE", help="undo: keep what it would lose in this file")
    add("--file", default="", metavar="FILE", help="report: write it as a page, too")
    add("--rows", type=int, default=20_000, metavar="N", help="rehearse: about N rows of a table")
    add("--on", dest="where", default="", choices=["server", "embedded"], help="rehearse: where")


def _of_rules(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--plan", default="", metavar="FILE", help="the plan (default: VITAL_PLAN, or VITAL's own)")
    add("--against", default="", metavar="FILE", help="preview: what this other plan would change")
    add("--html", default="", metavar="FILE", help="preview: write it as a page, too")
    add("--rule", default="", metavar="NAME", help="suggest: the rule that only takes what is left")
    add("--schema", action="append", metavar="NAME", help="init-plan: this schema; also repeated")
    add("--root", default="", metavar="TABLE", help="init-plan: its rows are the tenants")
    add("--out", default="", metavar="FILE", help="init-plan: into this file")


def _of_decisions(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--reason",
        default="",
        metavar="TEXT",
        help="decide, disarm, rearm, and what changes a run: why; it is written down",
    )
    add("--check", default="", metavar="TEXT", help="findings: of this kind, or with this in its name")
    add("--keys", action="store_true", help="findings: single rows")
    add("--csv", default="", metavar="FILE", help="findings: write the open ones; decide: read them, filled in")
    add("--withdraw", action="store_true", help="decide: take the decision back")
    add("--dry-run", action="store_true", help="decide: show what it comes to, and write nothing")
