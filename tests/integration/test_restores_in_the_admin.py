"""A restore of a tenant in the admin: how many rows it has changed, which, and the commands for it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from migrations_ops.admin import run_detail
from migrations_ops.models import RestoreEntry, Run
from tests.support.admin_client import address, page_text, platform_admin
from tests.support.cast import PHARMA
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on

UNDO = "./manage.py tenants undo-restore"
GO_ON = "./manage.py tenants restore"


@pytest.fixture
def on_migrated(migrated: Scratch, django_db_blocker: Any) -> Iterator[Scratch]:
    with django_on(migrated.owner_url, django_db_blocker):
        run_detail._remembered_runs.forget()
        yield migrated


def restored(status: str) -> Run:
    """A restore that has inserted 1,200 prompts again and changed 34, one of which its undo has kept."""
    run = Run.objects.create(kind="restore", status=status, started_by="ada", plan="", plan_digest="", phases=[])
    facts = {"run_id": run.pk, "tenant_id": PHARMA, "relation": "public.prompts", "keys": ["a"]}
    RestoreEntry.objects.create(**facts, kind="insert", rows=1_200)
    RestoreEntry.objects.create(**facts, kind="change", rows=34, undone_at=timezone.now(), conflicts=["a"])
    return run


def test_the_list_says_how_many_rows_it_has_changed(on_migrated: Scratch) -> None:
    admin = platform_admin()
    restored("completed")

    assert "1,234" in page_text(admin, address("changelist"))
    assert "1,234" in admin.get(address("export")).getvalue().decode()


def test_its_page_says_which_and_how_it_is_undone(on_migrated: Scratch) -> None:
    admin = platform_admin()
    run = restored("completed")

    page = page_text(admin, address("change", run.pk))

    assert "rows changed 1,234" in page
    assert "prompts changed back 34 33 prompts inserted again 1,200" in page
    assert f"{UNDO} {run.pk}" in page
    assert GO_ON not in page


def test_of_a_paused_one_it_says_how_it_goes_on(on_migrated: Scratch) -> None:
    run = restored("paused")

    page = page_text(platform_admin(), address("change", run.pk))

    assert GO_ON in page
    assert f"{UNDO} {run.pk}" in page
    assert "migrate_tenants resume" not in page
