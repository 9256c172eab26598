"""A task in the background works as the tenant in whose scope it was published, and nothing of that is left behind."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import databases, own_services, patience, redis_server, service_under_test
from tests.support.cast import ALIAS_OF_PHARMA, ASLEEP, DIGITAL_HEALTH, PHARMA, UNKNOWN
from tests.support.command_results import Manage, said
from tests.support.paths import ROOT
from tests.support.service_under_test import ServiceDatabase

PROBES = '''
from celery import shared_task
from django.db import connection
from tenants.background import TenantTask

WHO = "SELECT current_user::text, coalesce(current_setting('vital.tenant_id', true), '')"


def who():
    with connection.cursor() as cursor:
        cursor.execute(WHO)
        return " ".join(cursor.fetchone())


def write(key):
    """A row of the current tenant that says who has written it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tools (tenant_id, tool_key, name, description, tool_type)"
            " VALUES (current_setting('vital.tenant_id')::uuid, %s, %s, '', 'api')",
            [key, who()],
        )


@shared_task(base=TenantTask, queue="reports", bind=True)
def note(self, key, *, then="", fails=False, again=False):
    write(key)
    if fails:
        raise RuntimeError(f"failed: {key}")
    if again and not self.request.retries:
        raise self.retry(countdown=0)
    if then:
        note.delay(then)


@shared_task(base=TenantTask, queue="reports")
def outer(key):
    note(key)


@shared_task(queue="reports")
def plain(word):
    print(f"{word}: {who()}.")
'''
BEFORE = """
import sys
sys.path.insert(0, {folder!r})
from celery import chain
from probes import note, outer, plain
from tenants.background import HEADER, NoTenantToPublishFor
from vital.db import scope
from vital.celery import app
def of(tenant, read_only=False):
    return scope.acting_as(scope.tenant_scope(tenant, read_only=read_only))
def forge(key, **headers):
    app.send_task("probes.note", [key], queue="reports", headers=headers)
"""


class Background:
    """A worker of the platform's own, and a place to publish from."""

    def __init__(self, database: ServiceDatabase, publish: Callable[[str], str], output: Path) -> None:
        self.database, self._output = database, output
        self.publish = publish

    @property
    def said(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def until_said(self, text: str) -> None:
        deadline = time.monotonic() + patience.seconds(30)
        while text not in self.said:
            assert time.monotonic() < deadline, f"{text!r} is not in:\n{self.said}"
            time.sleep(0.05)

    def after_all_that(self, word: str) -> None:
        """Wait until the worker has done what was published before: it takes one message after the other."""
        self.publish(f"plain.delay({word!r})")
        self.until_said(f"{word}: ")

    def written(self, *keys: str) -> list[tuple[Any, ...]]:
        """(key, tenant, who has written it) of each row that is there, past row level security."""
        return databases.rows(
            self.database.database.admin_url,
            "SELECT tool_key, tenant_id::text, name FROM tools WHERE tool_key = ANY(%s) ORDER BY tool_key",
            [list(keys)],
        )


@contextmanager
def working(folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """The worker as the page starts it, with one process; the file with its output."""
    words = ["-m", "celery", "-A", "vital", "worker", "-I", "reports.tasks,probes", "-Q", "reports", "-c", "1"]
    output = folder / "output"
    with output.open("w", encoding="utf-8") as writing:
        process = subprocess.Popen(
            [sys.executable, *words, "--loglevel", "info", "--without-gossip", "--without-mingle"],
            env=os.environ | environment | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "PYTHONUNBUFFERED": "1"},
            cwd=folder, stdout=writing, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield output
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def background(service_database: ServiceDatabase, manage: Manage) -> Iterator[Background]:
    """The page's task and the probes at work, on a database of the file's own."""
    task, _ = own_services.blocks_of("Tasks in the background")
    with (
        service_under_test.copied_database(service_database) as own,
        redis_server.redis_server() as broker,
        tempfile.TemporaryDirectory() as name,
    ):
        folder, environment = Path(name), {"REDIS_URL": broker.url, "DATABASE_URL": own.login}
        (folder / "reports").mkdir()
        for file, text in (("reports/__init__.py", ""), ("reports/tasks.py", task), ("probes.py", PROBES)):
            (folder / file).write_text(text, encoding="utf-8")

        def publish(code: str) -> str:
            done = manage(own.login, "shell", "-v0", "-c", BEFORE.format(folder=name) + code, env=environment)
            assert done.returncode == 0, said(done)
            return done.stdout.strip()

        with working(folder, environment) as output:
            yield Background(own, publish, output)


def as_tenant(tenant: str) -> str:
    return f"vital_tenant {tenant}"


def test_the_pages_task_writes_for_the_tenant(background: Background) -> None:
    _, example = own_services.blocks_of("Tasks in the background")

    background.publish(f"tenant = {PHARMA!r}\n{example}")
    background.after_all_that("the page's")

    assert background.written("dose") == [("dose", PHARMA, "Dose calculator")]


def test_each_message_is_its_tenants_and_nothing_is_left_afterwards(background: Background) -> None:
    background.publish(f"""
for number, tenant in enumerate([{PHARMA!r}, {DIGITAL_HEALTH!r}] * 2):
    with of(tenant): note.delay(f"turn-{{number}}")
    plain.delay(f"after-{{number}}")
""")
    background.after_all_that("turns")

    tenants = [PHARMA, DIGITAL_HEALTH] * 2
    keys = [f"turn-{number}" for number in range(4)]
    assert background.written(*keys) == [(key, of, as_tenant(of)) for key, of in zip(keys, tenants, strict=True)]
    left = [line.split(": ")[-1] for line in background.said.splitlines() if "after-" in line and line.endswith(".")]
    assert len(left) == 4
    assert not [line for line in left if "vital_tenant" in line or PHARMA in line or DIGITAL_HEALTH in line]


def test_what_a_task_publishes_calls_or_is_followed_by_is_its_tenants(background: Background) -> None:
    background.publish(f"""
with of({PHARMA!r}):
    note.delay("published-1", then="published-2")
    outer.delay("called")
    chain(note.si("chained-1"), note.si("chained-2"), note.si("chained-3")).delay()
    note.delay("tried-again", again=True)
""")
    keys = ["called", "chained-1", "chained-2", "chained-3", "published-1", "published-2", "tried-again"]
    for word in ("first", "second", "third"):  # each of a chain is published when the one before it is done
        background.after_all_that(word)

    assert background.written(*keys) == [(key, PHARMA, as_tenant(PHARMA)) for key in keys]


def test_a_task_that_fails_has_written_nothing(background: Background) -> None:
    background.publish(f"with of({PHARMA!r}): note.delay('half', fails=True)")
    background.until_said("RuntimeError('failed: half')")

    assert background.written("half") == []


def test_whoever_might_only_read_gets_a_task_that_only_reads(background: Background) -> None:
    background.publish(f"with of({PHARMA!r}, read_only=True): note.delay('read-only', then='read-only-too')")
    background.until_said("cannot execute INSERT in a read-only transaction")
    background.after_all_that("reading")

    assert background.written("read-only", "read-only-too") == []


FORGED: list[Any] = [
    "",
    PHARMA,
    f"{PHARMA} admin",
    f"{PHARMA} write ",
    f"{PHARMA},{DIGITAL_HEALTH} write",
    f"{{{PHARMA}}} write",
    "vital_operator write",
    f"{UNKNOWN} write",
    f"{ASLEEP} write",
    f"{ALIAS_OF_PHARMA} write",
    7,
    [PHARMA],
    {"tenant": PHARMA},
]


def test_a_message_that_names_no_active_tenant_does_nothing_and_says_so(background: Background) -> None:
    messages: dict[str, dict[str, Any]] = {"forged": {}} | {
        f"forged {header!r}": {"vital-scope": header} for header in FORGED
    }
    refused = "probes.note did nothing: its message names no active tenant"

    background.publish(f"for key, headers in {messages!r}.items(): forge(key, **headers)")
    background.after_all_that("forged")

    refusals = [line for line in background.said.splitlines() if line.startswith("tenants.background.MessageRefused:")]
    assert len(refusals) == len(messages), background.said
    assert all(refused in line for line in refusals)
    assert background.written(*messages) == []


def test_without_a_tenant_nothing_is_sent(background: Background) -> None:
    answers = background.publish(f"""
from contextlib import nullcontext
scopes = nullcontext(), scope.acting_as(scope.operator_scope(read_only=False)), of("")
for number, here in enumerate(scopes):
    try:
        with here: note.apply_async([f"sent-{{number}}"], headers={{HEADER: {PHARMA + " write"!r}}})
    except NoTenantToPublishFor as error:
        print(error)
""")
    background.after_all_that("not sent")

    assert answers.count("probes.note was not sent: it works for one tenant, and none is current here") == 3
    assert background.written("sent-0", "sent-1", "sent-2") == []


def test_a_header_of_the_publishers_own_does_not_count(background: Background) -> None:
    background.publish(
        f"with of({PHARMA!r}): note.apply_async(['own-header'], headers={{HEADER: {DIGITAL_HEALTH + ' write'!r}}})"
    )
    background.after_all_that("own header")

    assert background.written("own-header") == [("own-header", PHARMA, as_tenant(PHARMA))]


def test_called_outside_of_a_worker_and_a_scope_it_does_nothing(background: Background) -> None:
    answer = background.publish("""
from tenants.background import MessageRefused
try: note("called-directly")
except MessageRefused as error: print(error)
""")

    assert "probes.note did nothing" in answer
    assert background.written("called-directly") == []


@pytest.mark.slow
def test_while_isolation_is_off_no_message_is_worked_on(background: Background, manage: Manage) -> None:
    why = ("--reason", "a test of tasks", "--yes")
    database = background.database.database
    disarmed = manage(database, "migrate_tenants", "disarm", *why)
    assert disarmed.returncode == 0, said(disarmed)
    try:
        patience.wait(1)  # what the worker has seen may be half a second old
        background.publish(f"with of({PHARMA!r}): note.delay('unprotected')")
        background.until_said("MigrationRequired")
    finally:
        armed = manage(database, "migrate_tenants", "rearm", *why)
        assert armed.returncode == 0, said(armed)
    assert background.written("unprotected") == []
