"""The admin's pages for runs, asked in this process: clients, the text of a page, the worker that a page starts."""

import html
import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from migrations_ops.models import Run
from tests.support import patience
from tests.support.databases import Scratch
from vital.db import scope


def platform_admin() -> Client:
    """The Platform's admin."""
    settings.SESSION_COOKIE_SECURE = False
    client = Client()
    client.force_login(User.objects.create_superuser("platform-admin"))
    return client


def platform_admin_by_role(name: str) -> Client:
    """The same where Django's login may do nothing but put a role on."""
    client = Client()
    with scope.acting_as(scope.operator_scope(read_only=False)):
        client.force_login(User.objects.create_superuser(name))
    return client


def read_only_staff() -> Client:
    """Staff who may look at runs, and no more."""
    settings.SESSION_COOKIE_SECURE = False
    staff = User.objects.create_user("looks-only", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename="view_run"))
    client = Client()
    client.force_login(staff)
    return client


def address(name: str, *words: Any) -> str:
    """The URL of a page for runs by its name: changelist, change, live, steer …"""
    return reverse(f"admin:migrations_ops_run_{name}", args=words)


def page_text(client: Client, where: str, **query: Any) -> str:
    """The visible text of the page, which must be 200."""
    answer = client.get(where, query)
    assert answer.status_code == 200, (where, answer.status_code)
    return visible_text(answer.content.decode())


def visible_text(page: str) -> str:
    """The page without tags, scripts and repeated blanks."""
    body = re.sub(r"<(script|style|head)\b.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def offered_actions(page: str) -> set[str]:
    """The actions on the run that the page offers."""
    return set(re.findall(r'id="verb-(\w+)"', page))


def use_worker_on(scratch: Scratch, monkeypatch: pytest.MonkeyPatch, logs: Path) -> None:
    """Lets the pages start their worker on this database, with its logs in `logs`."""
    monkeypatch.setenv("DATABASE_URL", scratch.owner_url)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setattr(settings, "REDIS_URL", "")
    monkeypatch.setattr(settings, "LOG_DIR", logs)
    monkeypatch.setenv("VITAL_LOG_DIR", str(logs))


def wait_for_status(run: int, status: str, seconds: float = 60) -> Run:
    """The run, as soon as it has this status."""
    deadline = time.monotonic() + patience.seconds(seconds)
    while (record := Run.objects.get(pk=run)).status != status:
        assert time.monotonic() < deadline, f"run {run} is {record.status}: {record.error}"
        time.sleep(0.1)
    return record
