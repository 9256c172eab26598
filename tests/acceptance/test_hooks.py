"""Commands and webhooks around a run and its phases: told what happens, in order; one that fails stops the run."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from migrations_ops.runs import hooks
from tests.support import database_state, queries
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows

DONE, FAILED, WRONG = 0, 1, 2
NOTES = """
import json, os, sys
with open(sys.argv[1], "a") as file:
    print(json.dumps({name: value for name, value in os.environ.items() if name.startswith("VITAL_")
                      or name == "DATABASE_URL"}), file=file)
print("printed by the hook")
sys.exit(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
"""


class Notebook:
    """A hook that writes down what it is told, and ends with the code that it is given."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._notes = folder, folder / "notes"
        (folder / "note.py").write_text(NOTES)

    def hook(self, when: str, more: str = "", code: int = 0) -> str:
        command = [sys.executable, str(self.folder / "note.py"), str(self._notes), str(code)]
        return f"[[hook]]\nwhen = {json.dumps(when)}\ncommand = {json.dumps(command)}\n{more}\n"

    def file(self, *texts: str) -> dict[str, str]:
        """The environment in which these hooks are in force."""
        (self.folder / "hooks.toml").write_text("\n".join(texts))
        return {"VITAL_HOOKS": str(self.folder / "hooks.toml")}

    @property
    def notes(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self._notes.read_text().splitlines()] if self._notes.exists() else []

    @property
    def events(self) -> list[tuple[str, str, str]]:
        return [(note["VITAL_EVENT"], note["VITAL_PHASE"][:3], note.get("VITAL_STATUS", "")) for note in self.notes]


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path)


@pytest.fixture
def listening() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook's address, and what was posted there; it answers 200, and 500 under /broken."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path.startswith("/broken") else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", posted
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_everything_is_told_in_order_and_nothing_secret(
    legacy: Scratch, manage: Manage, notebook: Notebook, listening: tuple[str, list[dict[str, Any]]]
) -> None:
    url, posted = listening
    env = notebook.file(
        *(notebook.hook(when) for when in ("before run", "after run", "after phase")),
        notebook.hook("before phase", 'phases = ["001"]'),
        '[[hook]]\nname = "Slack"\nwhen = "after run"\nurl_env = "SLACK"\n',
    )

    done = manage(legacy, "migrate_tenants", "--to", "001", "--json", env=env | {"SLACK": f"{url}/T0/s3cret"})

    assert done.returncode == DONE, said(done)
    assert document(done)["status"] == "completed", "what hooks print is not in the document"
    assert "printed by the hook" in done.stderr
    assert notebook.events == [
        ("before run", "", ""),
        ("after phase", "000", "completed"),
        ("before phase", "001", ""),
        ("after phase", "001", "completed"),
        ("after run", "", "completed"),
    ]
    note = notebook.notes[-1]
    assert (note["VITAL_DATABASE"], note["VITAL_KIND"], note["VITAL_RUN"]) == (legacy.name, "run", "1")
    assert not {"DATABASE_URL", "VITAL_SECRET_KEY"} & note.keys()
    assert [(post["event"], post["status"]) for post in posted] == [("after run", "completed")]
    assert posted[0]["text"] == f"VITAL, {legacy.name}: run 1 completed"
    assert "s3cret" not in said(done)
    assert "hook Slack, after run" in done.stderr


@pytest.mark.slow
def test_one_that_fails_before_the_run_stops_it_before_anything_changes(
    legacy: Scratch, manage: Manage, notebook: Notebook
) -> None:
    env = notebook.file(notebook.hook("before run", 'name = "stop the api"', code=3), notebook.hook("after run"))

    with database_state.unchanged(legacy):
        done = manage(legacy, "migrate_tenants", "--json", env=env)

    assert done.returncode == FAILED, said(done)
    assert 'The hook "stop the api" (before run) failed: it ended with exit code 3' in document(done)["error"]
    assert [(event, status) for event, _, status in notebook.events] == [("before run", ""), ("after run", "failed")]
    assert "stop the api" in notebook.notes[-1]["VITAL_ERROR"]
    assert queries.scalar(legacy, "SELECT status FROM vital.run") == "failed"
    assert queries.scalar(legacy, "SELECT count(*) FROM vital.phase_run") == 0


@pytest.mark.slow
def test_one_that_fails_before_a_phase_keeps_what_was_done_and_the_run_goes_on_there(
    legacy: Scratch, manage: Manage, notebook: Notebook
) -> None:
    broken = notebook.file(notebook.hook("before phase", 'phases = ["001"]', code=1))
    done = manage(legacy, "migrate_tenants", "--to", "002", env=broken)
    assert done.returncode == FAILED, said(done)
    assert "001_schema_fixes was not started" in done.stderr
    assert rows(legacy.admin_url, "SELECT phase, status FROM vital.phase_run") == [("000_pre_validation", "completed")]

    mended = manage(legacy, "migrate_tenants", "--to", "001", env=notebook.file(notebook.hook("before phase")))

    assert mended.returncode == DONE, said(mended)
    undone = manage(legacy, "migrate_tenants", "undo", "--yes", env=notebook.file(notebook.hook("after phase")))
    assert undone.returncode == DONE, said(undone)
    assert notebook.events[-2:] == [("after phase", "001", "rolled back"), ("after phase", "000", "rolled back")]
    assert notebook.notes[-1]["VITAL_KIND"] == "undo"


@pytest.mark.slow
def test_one_that_fails_after_the_run_says_that_the_run_is_done(
    legacy: Scratch, manage: Manage, notebook: Notebook, listening: tuple[str, list[dict[str, Any]]]
) -> None:
    env = notebook.file(f'[[hook]]\nwhen = "after run"\nurl = "{listening[0]}/broken/s3cret"')

    done = manage(legacy, "migrate_tenants", "--only", "000", env=env)

    assert done.returncode == FAILED, said(done)
    assert "it answered 500. Run 1 itself is completed." in done.stderr
    assert "s3cret" not in said(done)
    assert queries.scalar(legacy, "SELECT status FROM vital.run") == "completed"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[hook]", "line 1"),
        ("[hooks]", "it knows [[hook]] only"),
        ('[[hook]]\nwhen = "at noon"\ncommand = ["true"]', "when is one of before run"),
        ('[[hook]]\nwhen = "before run"', "has one of command, url and url_env"),
        ('[[hook]]\nwhen = "before run"\ncommand = ["true"]\nurl = "http://x"', "has one of command, url and url_env"),
        ('[[hook]]\nwhen = "before run"\ncommand = "pm2 stop api"', "command is a list of words"),
        ('[[hook]]\nwhen = "before run"\ncommand = []', "command is a list of words"),
        ('[[hook]]\nwhen = "before run"\ncommand = ["true"]\nphases = ["001"]', "for before and after a phase"),
        ('[[hook]]\nwhen = "before run"\ncommand = ["true"]\ntimeout = 0', "timeout is a number of seconds"),
        ('[[hook]]\nwhen = "before run"\ncommand = ["true"]\nretries = 3', "has retries, and may have"),
        ('[[hook]]\nwhen = "before run"\nurl = "file:///etc/passwd"', "does not begin with https://"),
        ('[[hook]]\nwhen = "before run"\nurl_env = "NO_SUCH_VARIABLE"', "NO_SUCH_VARIABLE is not set"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_the_reason(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "hooks.toml").write_text(text)

    with pytest.raises(hooks.HooksUnreadable) as told:
        hooks.load(tmp_path / "hooks.toml")

    assert reason in str(told.value)


def test_nothing_starts_with_a_file_that_cannot_be_used(legacy: Scratch, manage: Manage, tmp_path: Path) -> None:
    done = manage(legacy, "migrate_tenants", env={"VITAL_HOOKS": str(tmp_path / "gone.toml")})

    assert done.returncode == WRONG, said(done)
    assert "No such file" in done.stderr
    assert queries.scalar(legacy, "SELECT to_regnamespace('vital') IS NULL")


def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    hook = hooks.Hook("slow", "before run", (), 0.2, ("sleep", "30"))
    missing = hooks.Hook("missing", "before run", (), 1, (str(tmp_path / "nothing"),))
    for one, reason in ((hook, "longer than 0.2 s"), (missing, "cannot be started")):
        with pytest.raises(hooks.HookFailed, match=reason):
            list(hooks.Hooks(None, (one,), {}).fire("before run", ""))
