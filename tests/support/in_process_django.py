"""Django of this very process on another database for a while: for pages asked without a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from tenants import availability, resolution
from vital.db.base import settings_for


@contextmanager
def django_on(url: str, blocker: Any) -> Iterator[None]:
    """`blocker` is pytest-django's. What was remembered of the other database is forgotten, before and after."""
    before = dict(connection.settings_dict)
    with blocker.unblock():
        _turn_to(settings_for(url))
        yield
        _turn_to(before)


def _turn_to(settings: dict[str, Any]) -> None:
    connection.close()
    connection.settings_dict.update(settings)
    for memory in (availability._isolation, availability._state, availability._roles, resolution._registry):
        memory.forget()
