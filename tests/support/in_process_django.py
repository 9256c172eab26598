"""Django of this process on another database for a while, for tests of pages without a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from tenants import availability, resolution
from tests.support import service_under_test
from tests.support.command_results import Manage
from tests.support.databases import Scratch
from vital.db.base import settings_for


@contextmanager
def django_on(url: str, blocker: Any) -> Iterator[None]:
    """Connects Django to `url` for the block. `blocker` is pytest-django's. Caches are emptied before and after."""
    before = dict(connection.settings_dict)
    with blocker.unblock():
        _turn_to(settings_for(url))
        yield
        _turn_to(before)


@contextmanager
def django_on_the_cast(server_url: str, template: Scratch, manage: Manage, blocker: Any) -> Iterator[Scratch]:
    """The cast's rows in a copy of the template, and Django on it by the service's own login: it has no right but to
    put a role on."""
    with (
        service_under_test.created_database(server_url, template, manage) as made,
        django_on(made.login, blocker),
    ):
        yield made.database


def _turn_to(settings: dict[str, Any]) -> None:
    connection.close()
    connection.settings_dict.update(settings)
    for memory in (availability._isolation, availability._state, availability._roles, resolution._registry):
        memory.forget()
    availability.watch.forget()
