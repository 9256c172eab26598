"""How much a request sets in motion: files of ours that it goes through, what it resolves, connections it opens."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from migrations_ops.admin import run_detail
from migrations_ops.models import Run
from migrations_ops.runs import service as runs
from tenants import availability
from tests.support.admin_client import address, platform_admin
from tests.support.crossing import files, watched
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on

LOOKS = 3


@pytest.fixture
def on_migrated(migrated: Scratch, django_db_blocker: Any) -> Iterator[Scratch]:
    with django_on(migrated.owner_url, django_db_blocker):
        run_detail._remembered_runs.forget()
        yield migrated


def connections(scratch: Scratch) -> int:
    """How many there have been to the database. A server counts one once it has answered it."""
    with psycopg.connect(scratch.admin_url, dbname="postgres", autocommit=True) as outside:
        time.sleep(1.5)
        found = outside.execute("SELECT sessions FROM pg_stat_database WHERE datname = %s", [scratch.name]).fetchone()
        assert found is not None
        return int(found[0])


def crossed(call: Callable[[], Any], status: int) -> set[str]:
    """The files of ours that a request goes through, where nothing of the last half second is remembered."""
    availability._isolation.forget()
    with watched() as entered:
        assert call().status_code == status
    return files(entered)


def test_a_pause_in_the_admin_goes_through_few_files(on_migrated: Scratch) -> None:
    """Beside those that every request to the admin goes through: its middleware, who asks, whether isolation is on."""
    admin, run = platform_admin(), Run.objects.get()

    def pause() -> Any:
        Run.objects.filter(pk=run.pk).update(status="running", finished_at=None)
        return lambda: admin.post(address("steer", run.pk, "pause"), {"reason": "a look"})

    crossed(pause(), 302)  # the first one also imports
    by_pause, by_any_page = crossed(pause(), 302), crossed(lambda: admin.get("/admin/jsi18n/"), 200)

    assert Run.objects.get().status == "paused"
    assert len(by_pause) <= 27, "\n".join(sorted(by_pause))
    assert len(by_pause - by_any_page) <= 12, "\n".join(sorted(by_pause - by_any_page))


@pytest.mark.slow
def test_the_live_page_of_a_run_opens_one_connection_a_look(on_migrated: Scratch) -> None:
    admin, run = platform_admin(), Run.objects.get()
    admin.get(address("live", run.pk))
    before = connections(on_migrated)

    for _ in range(LOOKS):
        run_detail._remembered_runs.forget()
        assert admin.get(address("live", run.pk)).status_code == 200

    assert connections(on_migrated) - before == LOOKS


def test_looks_at_the_same_moment_share_one(on_migrated: Scratch) -> None:
    admin, run = platform_admin(), Run.objects.get()
    admin.get(address("live", run.pk))
    before = connections(on_migrated)
    run_detail._remembered_runs.forget()

    for _ in range(LOOKS):
        assert admin.get(address("live", run.pk)).status_code == 200

    assert connections(on_migrated) - before < LOOKS


def test_who_follows_a_run_keeps_one_connection(on_migrated: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LOOK_AGAIN", 0.05)
    run = Run.objects.get()
    Run.objects.filter(pk=run.pk).update(status="running", finished_at=None)
    before = connections(on_migrated)

    looks = runs.follow(run.pk, 60)
    seen = [next(looks)["status"] for _ in range(LOOKS)]
    Run.objects.filter(pk=run.pk).update(status="paused")
    seen += [look["status"] for look in looks]

    assert (set(seen), seen[-1]) == ({"running", "paused"}, "paused")
    assert connections(on_migrated) - before == 1
