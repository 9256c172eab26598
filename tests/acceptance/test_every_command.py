"""What holds for every command and verb: one sentence and the documented exit code for what is wrong, one document
for machines, no traceback, and Ctrl-C leaves nothing half done."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import background, databases
from tests.support.cast import PHARMA
from tests.support.command_results import Done, Manage, said
from tests.support.commands import OURS, parser_of
from tests.support.databases import Scratch, clone_with_grants
from tests.support.paths import ROOT
from tests.support.pause_point import paused_at
from tests.support.queries import scalar

NOWHERE = "postgresql://nobody:secret-word@127.0.0.1:1/nowhere"
NOBODY = "00000000-0000-4000-8000-00000000dead"
WHY = ("--reason", "a test")
# Each command and verb, with words that it takes for good: what is wrong then is the database.
CALLS: dict[str, list[tuple[str, ...]]] = {
    "backup": [("new.dump",)],
    "create_api_key": [("--tenant", "pharma", "--scope", "read", "--name", "x")],
    "create_login": [("vital_test_nobody",)],
    "distribute": [(), ("--yes",), ("--undo", "--yes")],
    "doctor": [()],
    "generate_legacy": [("--rows", "5")],
    "ledger": [("size",), ("purge", "--dry-run"), ("forget", "users", NOBODY, *WHY)],
    "list_api_keys": [()],
    "load_legacy": [(".",)],
    "maintenance": [("status",), ("on", *WHY), ("off",)],
    "migrate_tenants": [
        ("run", "--yes"), ("status",), ("validate",), ("undo", "--yes"), ("explain", "agents", NOBODY), ("preview",),
        ("suggest",), ("findings",), ("decide", "agents", NOBODY, "pharma", *WHY), ("resolve",), ("rehearse",),
        ("report",), ("impact",), ("init-plan",), ("pause",), ("resume",), ("cancel",), ("tune", "wal=1GB"), ("work",),
        ("disarm", "--yes", *WHY), ("rearm",), ("vectors",), ("uninstall",),
    ],
    "monitor": [("--once",)],
    "prove_isolation": [()],
    "restore": [("missing.dump", "--yes")],
    "revoke_api_key": [("vital_nothing",)],
    "rotate_api_key": [("vital_nothing",)],
    "tenants": [
        ("list",), ("show", "pharma"), ("add", "x", *WHY), ("set", "pharma", "name=x", *WHY),
        ("add-host", "pharma", "x.example", *WHY), ("remove-host", "pharma", "x.example", *WHY),
        ("add-alias", "pharma", NOBODY, *WHY), ("remove-alias", "pharma", NOBODY, *WHY),
        ("suspend", "pharma", "--yes", *WHY), ("activate", "pharma", *WHY), ("env", "pharma"),
        ("move", "x.toml", "--yes", *WHY), ("move-back", "1", "--yes", *WHY), ("clone", "pharma", "x", *WHY),
        ("export", "pharma", "x.zip"), ("import", "x.zip", *WHY), ("remove", "pharma", "x.zip", *WHY),
        ("restore", "pharma", "--from", "x.dump"), ("undo-restore", "1", "--yes", *WHY),
        ("place", "pharma"),
    ],
    "worker": [("--run", "1")],
}  # fmt: skip
# `make demo` has a server and a test of its own; `check` looks at the settings, and with --deploy has tests of its own.
SHOWN_ONLY = {"demo", "check"}
SEES = {"monitor", "doctor"}  # a database that is away is what they are there to see: exit 1, and a report
EVERY = [(command, words) for command, given in CALLS.items() for words in given]
EXIT_CODES = re.compile(r"exit codes: (.*)", re.DOTALL)


def test_no_command_and_no_verb_is_forgotten() -> None:
    assert set(CALLS) | SHOWN_ONLY == set(OURS)
    for command, given in CALLS.items():
        assert not verbs_of(command) or {words[0] for words in given} == verbs_of(command), command


def help_of(command: str) -> str:
    return parser_of(command).format_help()


def verbs_of(command: str) -> set[str]:
    return set(parser_of(command).verbs)


@pytest.mark.parametrize("command", sorted(OURS))
def test_the_help_has_exit_codes_and_the_reference_has_the_command(command: str) -> None:
    found = EXIT_CODES.search(help_of(command))
    assert found, f"Give {command} its exit codes"
    assert {"0", "2"} <= set(re.findall(r"\b([0-9])\b", found[1])), found[1]
    pages = (ROOT / "docs").rglob("*.md")
    assert any(command in page.read_text(encoding="utf-8") for page in pages)


def machine(command: str) -> tuple[str, ...]:
    return ("--json",) if "--json" in help_of(command) else ()


def sentence(done: Done, *, as_json: bool) -> str:
    """The one thing that is said of what is wrong."""
    assert "Traceback" not in done.stdout + done.stderr, said(done)
    assert "secret-word" not in done.stdout + done.stderr
    if as_json:
        document = json.loads(done.stdout)
        assert document["exit_code"] == done.returncode
        return str(document["error"])
    assert done.stdout == "", said(done)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, said(done)
    return lines[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "words"), EVERY, ids=lambda given: given if isinstance(given, str) else " ".join(given)[:30]
)
def test_without_a_database_it_says_so_in_one_sentence(
    command: str, words: tuple[str, ...], manage: Manage, tmp_path: Path
) -> None:
    as_json = machine(command)
    done = manage(NOWHERE, command, *words, *as_json, cwd=tmp_path)

    assert done.returncode == (1 if command in SEES else 2), said(done)
    if command not in SEES:
        assert sentence(done, as_json=bool(as_json)).strip()
    else:
        assert "127.0.0.1" in str(json.loads(done.stdout))
    assert not [file for file in tmp_path.rglob("*") if file.is_file()], "nothing is left"


@pytest.mark.parametrize("command", sorted(CALLS))
def test_what_no_command_knows_is_exit_2(command: str, manage: Manage) -> None:
    wrong = [("--nonsense",)] + ([("nonsense",)] if verbs_of(command) else [])
    for words in wrong:
        done = manage(NOWHERE, command, *words)
        assert (done.returncode, done.stdout) == (2, ""), said(done)
        assert "nonsense" in done.stderr or "required" in done.stderr, said(done)
        assert "Traceback" not in done.stderr


# --- Ctrl-C ---


@pytest.fixture(scope="module")
def migrated_copy(migrated_template: Scratch) -> Iterator[Scratch]:
    copy = clone_with_grants(migrated_template)
    yield copy
    databases.drop(copy)


@pytest.mark.slow
def test_what_is_for_people_is_one_document_for_machines(migrated_copy: Scratch, manage: Manage) -> None:
    words = ("create_api_key", "--tenant", "pharma", "--scope", "read", "--name", "by a machine", "--json")
    key = json.loads(manage(migrated_copy, *words).stdout)["key"]
    rotated = json.loads(manage(migrated_copy, "rotate_api_key", key[:12], "--json").stdout)["key"]
    revoked = json.loads(manage(migrated_copy, "revoke_api_key", rotated[:12], "--json").stdout)["revoked"]
    known = json.loads(manage(migrated_copy, "list_api_keys", "--json").stdout)["keys"]

    assert key != rotated
    assert "by a machine" in revoked
    assert {(one_of["key"], one_of["state"]) for one_of in known} >= {(key[:12], "good"), (rotated[:12], "revoked")}


HELD = {  # a command, the table at whose writing it is held, and what must be as before
    ("tenants", "clone", "pharma", "pharma-two", *WHY): ("agents", "SELECT count(*) FROM agents"),
    ("tenants", "add", "another", *WHY): ("vital.tenant", "SELECT count(*) FROM tenants"),
    ("tenants", "suspend", "pharma", "--yes", *WHY): ("tenants", "SELECT count(*) FROM tenants WHERE is_active"),
    ("maintenance", "on", *WHY): ("vital.maintenance", "SELECT count(*) FROM vital.maintenance"),
    ("create_api_key", "--tenant", "pharma", "--scope", "read", "--name", "x"): (
        "vital.api_key",
        "SELECT count(*) FROM vital.api_key",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("words", HELD, ids=lambda words: " ".join(words[:2]))
def test_ctrl_c_leaves_nothing_half_done(words: tuple[str, ...], migrated_copy: Scratch) -> None:
    table, query = HELD[words]
    before = scalar(migrated_copy, query)
    with paused_at(migrated_copy, table, "true") as stands, background.start(migrated_copy, *words) as running:
        running.until(stands)
        running.process.send_signal(signal.SIGINT)
        told = running.ends_with(3)

    assert "Traceback" not in told
    assert len(told.strip().splitlines()[-1]) > 10
    assert scalar(migrated_copy, query) == before
    assert scalar(migrated_copy, "SELECT count(*) FROM tenants WHERE id = %s AND is_active", PHARMA) == 1
