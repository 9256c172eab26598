"""The admin's pages of runs: in each state what may be done, live while a run goes, and by nobody but the Platform."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from migrations_ops.admin import run_actions, run_detail, run_start
from migrations_ops.models import AuditEvent, PhaseRun, Run, StepRun
from tests.support import admin_client, background, databases, queries
from tests.support.admin_client import (
    address,
    offered_actions,
    page_text,
    platform_admin,
    read_only_staff,
    wait_for_status,
)
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on
from tests.support.pause_point import paused_at
from vital.db import own_schema

IN_003 = ("vital.ledger", "SELECT count(*) > 0 FROM vital.ledger WHERE phase = '003_platform_data'")
EVERYTHING = {"pause", "resume", "cancel", "undo"}


@pytest.fixture
def on_migrated(migrated: Scratch, django_db_blocker: Any) -> Iterator[Scratch]:
    with django_on(migrated.owner_url, django_db_blocker):
        run_detail._remembered_runs.forget()
        yield migrated


@pytest.fixture
def on_set_up(prepared: Scratch, django_db_blocker: Any) -> Iterator[Scratch]:
    with django_on(prepared.owner_url, django_db_blocker):
        run_detail._remembered_runs.forget()
        yield prepared


@pytest.fixture
def on_legacy(legacy: Scratch, django_db_blocker: Any) -> Iterator[Scratch]:
    with django_on(legacy.owner_url, django_db_blocker):
        own_schema.bring_up_to_date()
        yield legacy


# --- before any run ---


def test_the_list_of_runs_says_how_much_each_did_and_is_exported(on_migrated: Scratch) -> None:
    admin = platform_admin()
    page, run = page_text(admin, address("changelist")), Run.objects.get()
    rows = sum(StepRun.objects.filter(phase_run__run=run).values_list("rows_changed", flat=True))

    assert f"{rows:,}" in page
    exported = admin.get(address("export"))
    assert exported.status_code == 200
    assert f"{rows:,}" in exported.getvalue().decode()


def test_before_any_run_the_list_says_how_one_begins_and_the_start_page_what_it_would_do(on_legacy: Scratch) -> None:
    admin = platform_admin()

    listed, start = page_text(admin, address("changelist")), page_text(admin, address("start"))
    preview = page_text(admin, address("preview"))

    assert "There are no runs yet" in listed
    assert "Start a run" in listed
    assert "004_tenant_data" in start
    assert "rows would change" in preview
    assert "Look at these before you start" in preview
    assert "digital-health" in preview
    assert not Run.objects.exists()


@pytest.mark.slow
def test_a_preview_that_takes_too_long_is_broken_off(on_legacy: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_start, "BOUND", 1.0)
    admin = platform_admin()
    with psycopg.connect(on_legacy.admin_url) as other:
        other.execute("LOCK TABLE tools")

        said = page_text(admin, address("preview"))

    assert "took longer than 1 s and was stopped" in said


def test_a_run_that_is_not_there_has_no_page(on_migrated: Scratch) -> None:
    admin = platform_admin()

    for name in ("change", "live", "report"):
        assert admin.get(address(name, 4711)).status_code == 404, name
    assert admin.get(address("steer", 1, "explode")).status_code == 404


# --- what may be done follows the arrows ---


@pytest.mark.parametrize(
    ("status", "may"),
    [
        ("completed", {"undo"}),
        ("cancelled", {"undo"}),
        ("paused", {"resume", "cancel", "undo"}),
        ("failed", {"resume", "cancel", "undo"}),
        ("running", EVERYTHING),  # its process is gone: nobody holds the lock
    ],
)
def test_what_may_be_done_follows_the_arrows(on_migrated: Scratch, status: str, may: set[str]) -> None:
    admin, run = platform_admin(), Run.objects.get()
    Run.objects.filter(pk=run.pk).update(status=status, error={"message": "the disk was full"})

    page = admin.get(address("change", run.pk)).content.decode()

    assert offered_actions(page) == may
    for refused in EVERYTHING - may:
        assert f"{refused.capitalize()} : A run that is {status} cannot be" in admin_client.visible_text(page), refused
    assert "006 row level security" in admin_client.visible_text(page)
    assert "the disk was full" in page
    polls = 'hx-trigger="every 1s"' in page
    assert polls == (status in ("running", "paused"))


def test_a_failed_phase_tells_its_error(on_migrated: Scratch) -> None:
    run = Run.objects.get()
    PhaseRun.objects.filter(phase="005_post_validation").update(status="failed", error={"message": "3 checks failed"})
    Run.objects.filter(pk=run.pk).update(status="failed")

    page = page_text(platform_admin(), address("change", run.pk))

    assert "3 checks failed" in page
    assert "Fix the cause and resume" in page


def test_an_older_run_sends_undos_to_the_newest(on_migrated: Scratch) -> None:
    run = Run.objects.get()
    newest = Run.objects.create(kind="run", status="completed", phases=[], plan_digest="", plan="", started_by="x")

    page = page_text(platform_admin(), address("change", run.pk))

    assert f"undone from the newest run's page, that of run {newest.pk}" in page


def test_a_click_that_comes_too_late_is_refused_in_a_sentence(on_migrated: Scratch) -> None:
    admin, run = platform_admin(), Run.objects.get()

    for what in ("pause", "resume", "cancel"):
        said = admin_client.visible_text(admin.post(address("steer", run.pk, what), follow=True).content.decode())
        assert "There is no unfinished run" in said, what

    assert Run.objects.get().status == "completed"
    assert not AuditEvent.objects.filter(who="platform-admin").exists()


@pytest.mark.slow
def test_without_its_redis_a_start_is_refused_in_a_sentence_and_pages_go_on(
    on_set_up: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vital.celery import app

    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(app.conf, "broker_url", settings.REDIS_URL)
    admin = platform_admin()
    before = Run.objects.count()

    said = admin_client.visible_text(admin.post(address("start"), follow=True).content.decode())

    assert "Redis cannot be reached" in said
    assert Run.objects.count() == before
    assert admin.get("/admin/").status_code == 200


# --- a run that is not over ---


@pytest.mark.slow
def test_a_run_that_is_paused_is_not_resumed_without_a_word_and_a_reason(
    on_set_up: Scratch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    admin_client.use_worker_on(on_set_up, monkeypatch, tmp_path)
    admin, run = platform_admin(), Run.objects.get()
    Run.objects.filter(pk=run.pk).update(status="paused", finished_at=None)

    page = page_text(admin, address("start"))
    unseen = admin_client.visible_text(admin.post(address("start"), {"reason": "go on"}).content.decode())
    unexplained = admin_client.visible_text(admin.post(address("start"), {"unfinished": run.pk}).content.decode())

    assert f"Run {run.pk} is paused." in page
    assert f"run {run.pk} is resumed where it stopped" in page
    assert "see below what starting does to it" in unseen
    assert f"Say why run {run.pk} is resumed or cancelled." in unexplained
    assert list(Run.objects.values_list("status", flat=True)) == ["paused"]

    said = admin_client.visible_text(
        admin.post(
            address("start"), {"unfinished": run.pk, "reason": "the disk is larger", "only": "003_platform_data"},
            follow=True,
        ).content.decode()
    )  # fmt: skip

    assert f"Run {run.pk}, which was paused, is cancelled" in said
    started = Run.objects.latest("pk")
    wait_for_status(started.pk, "completed")
    assert AuditEvent.objects.filter(action="cancel").latest("pk").reason == "the disk is larger"


# --- who may ---


def test_other_staff_is_let_into_none_of_it(on_migrated: Scratch) -> None:
    """Runs are of the whole platform: a permission in Django's table of them opens nothing."""
    staff, run = read_only_staff(), Run.objects.get()
    Run.objects.filter(pk=run.pk).update(status="paused")

    for name, words in (("changelist", []), ("change", [run.pk]), ("live", [run.pk]), ("report", [run.pk])):
        assert staff.get(address(name, *words)).status_code == 403, name
    for what in EVERYTHING:
        assert staff.get(address("steer", run.pk, what)).status_code == 403, what
        assert staff.post(address("steer", run.pk, what)).status_code == 403, what
    assert staff.post(address("start")).status_code == 403
    assert staff.get(address("preview")).status_code == 403
    assert databases.rows(on_migrated.admin_url, "SELECT status FROM vital.run") == [("paused",)]


def test_a_stranger_is_sent_to_the_login_and_a_forged_post_refused(on_migrated: Scratch) -> None:
    run, stranger = Run.objects.get(), Client()
    platform_admin()
    forger = Client(enforce_csrf_checks=True)
    forger.force_login(User.objects.get(username="platform-admin"))

    for name, words in (("change", [run.pk]), ("live", [run.pk]), ("report", [run.pk]), ("start", [])):
        answer = stranger.get(address(name, *words))
        assert answer.status_code == 302, name
        assert "login" in answer["Location"]
    assert forger.post(address("steer", run.pk, "undo"), {"first": "006"}).status_code == 403
    assert forger.post(address("start")).status_code == 403
    assert Run.objects.count() == 1


# --- while a run goes ---


@pytest.mark.slow
def test_a_run_is_watched_and_paused_while_it_goes(on_set_up: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_actions, "PATIENCE", 0.2)
    admin = platform_admin()
    with background.start(on_set_up, "migrate_tenants", "--yes") as process:
        with paused_at(on_set_up, *IN_003) as stands:
            process.until(stands)
            run = Run.objects.latest("id").pk

            page = admin.get(address("change", run)).content.decode()
            assert offered_actions(page) == {"pause", "cancel"}
            assert "At work." in page
            state = re.search(r'seen=([^"]+)"', page)
            assert state
            live = admin.get(address("live", run) + f"?seen={state[1]}")
            assert "HX-Refresh" not in live
            assert "workers 1" in admin_client.visible_text(live.content.decode())
            assert "003 platform data started" in admin_client.visible_text(live.content.decode())

            asked = admin.post(address("steer", run, "pause"), {"reason": "lunch"}, follow=True).content.decode()
            assert "It stops after its current batch." in asked
            assert "asked to pause" in asked
            assert offered_actions(asked) == {"cancel"}
        process.ends_with(3)
    run_detail._remembered_runs.forget()

    over = admin.get(address("live", run) + f"?seen={state[1]}")

    assert over["HX-Refresh"] == "true"
    assert offered_actions(over.content.decode()) == {"resume", "cancel", "undo"}
    note = AuditEvent.objects.get(action="pause")
    assert (note.who, note.reason, note.facts["run"]) == ("platform-admin", "lunch", run)


@pytest.mark.slow
def test_a_run_is_started_resumed_and_undone_from_its_pages(
    on_set_up: Scratch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    admin_client.use_worker_on(on_set_up, monkeypatch, tmp_path)
    admin = platform_admin()

    started = admin.post(address("start"), {"stepwise": "on", "reason": "the first step"})
    run = Run.objects.latest("id").pk
    assert started["Location"] == address("change", run)
    done = wait_for_status(run, "completed")
    assert (done.phases, done.started_by) == (["003_platform_data"], "platform-admin")
    assert "tenant of agents" in page_text(admin, address("log", run, "003_platform_data"))
    whole = admin.post(address("start"), {})
    run = Run.objects.latest("id").pk
    assert whole["Location"] == address("change", run)
    assert wait_for_status(run, "completed").phases[-1] == "006_row_level_security"

    confirmation = page_text(admin, address("steer", run, "undo"))
    assert "004_tenant_data undoes 006, 005, 004" in confirmation
    assert "the API answers 503 meanwhile" in confirmation
    undone = admin.post(address("steer", run, "undo"), {"first": "006_row_level_security", "reason": "to look"})
    undo = Run.objects.latest("id").pk
    assert undone["Location"] == address("change", undo)
    wait_for_status(undo, "completed")

    page = page_text(admin, address("change", undo))
    assert "006 row level security rolled back" in page
    again = admin.post(address("start"), {"only": "006"}, follow=True)
    assert "Select a valid choice" in again.content.decode()
    assert Run.objects.latest("id").pk == undo
    Run.objects.filter(pk=undo).update(status="paused")
    assert admin.post(address("steer", undo, "resume"), {"reason": "on"})["Location"] == address("change", undo)
    wait_for_status(undo, "completed")
    notes = list(AuditEvent.objects.filter(who="platform-admin").values_list("action", "reason").order_by("id"))
    assert notes == [("start", "the first step"), ("start", ""), ("undo", "to look"), ("resume", "on")]


def test_with_nothing_left_to_do_no_run_is_opened(migrated_template: Scratch, django_db_blocker: Any) -> None:
    whole = databases.clone_with_grants(migrated_template)  # with the grants that 006 looks at
    with django_on(whole.owner_url, django_db_blocker):
        said, runs = (
            admin_client.visible_text(platform_admin().post(address("start"), {}, follow=True).content.decode()),
            Run.objects.count(),
        )
    databases.drop(whole)

    assert "Nothing to do" in said
    assert runs == 1


def test_a_log_of_another_machine_or_another_run_is_not_shown(
    on_migrated: Scratch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    admin, run = platform_admin(), Run.objects.get()
    monkeypatch.setattr(settings, "LOG_DIR", tmp_path)
    where = address("log", run.pk, "003_platform_data")
    assert "There is no log of it on this machine" in page_text(admin, where)

    (tmp_path / "003_platform_data.log").write_text("of a later run\n", encoding="utf-8")
    PhaseRun.objects.update(completed_at="2020-01-01T00:00:00Z", started_at="2019-12-31T23:59:00Z")

    assert "of a later run" not in page_text(admin, where)
    PhaseRun.objects.update(completed_at=None)
    assert "of a later run" in page_text(admin, where)


def test_rows_written_without_a_tenant_are_told_beside_the_run(on_set_up: Scratch) -> None:
    admin, run = platform_admin(), Run.objects.latest("id").pk
    assert "tools" not in page_text(admin, address("late", run))

    queries.write_as_owner(
        on_set_up, "INSERT INTO tools (tool_key, name, description, tool_type) VALUES ('late', 'Late', '', 'api')"
    )

    assert "tools : 1 row, the last at" in page_text(admin, address("late", run))
