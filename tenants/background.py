"""Tasks in the background work as the tenant in whose scope they were published: the message's header carries it.

For Celery tasks of the platform's own. The header chooses among active tenants and never grants more than a tenant has.
"""

import re
from collections.abc import Mapping
from typing import Any

from celery import Task, current_task

from tenants import availability, resolution
from tenants.identity import tenant_id
from vital.db import scope
from vital.db.roles import TENANT_ROLE
from vital.db.scope import Scope
from vital.errors import EngineError

HEADER = "vital-scope"
SHAPE = re.compile(r"(\S+) (read|write)", re.ASCII)


class NoTenantToPublishFor(EngineError):
    """{task} was not sent: it works for one tenant, and none is current here. Publish it inside
    scope.acting_as(scope.tenant_scope(…)), or from a task that has a tenant."""


class MessageRefused(EngineError):
    """{task} did nothing: its message names no active tenant ({header}). Publish it with delay or apply_async of the
    task itself, inside a tenant's scope."""


class TenantTask(Task):  # type: ignore[type-arg]
    """`@shared_task(base=TenantTask)`: each message is one transaction of its tenant, reading only where its publisher
    might only read. An error, and a retry, roll it back."""

    abstract = True

    def apply_async(self, *arguments: Any, **options: Any) -> Any:
        """Raises NoTenantToPublishFor. What the caller gives as this header does not count."""
        current = scope.current()
        header = _written(current) if current else _of_the_task_at_work()
        if not header:
            raise NoTenantToPublishFor(task=self.name)
        options["headers"] = {**(options.get("headers") or {}), HEADER: header}
        return super().apply_async(*arguments, **options)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """In a tenant's scope it is a call like any other. `run`, as Celery's own __call__ hides the request."""
        current = scope.current()
        if current and _written(current):
            return self.run(*arguments, **options)
        with scope.acting_as(self._scope_of_message()):
            return self.run(*arguments, **options)

    def _scope_of_message(self) -> Scope:
        """Raises MessageRefused, and as the API does while isolation is off."""
        availability.require_isolation()
        header = _header_of(self.request.headers)
        found = SHAPE.fullmatch(header)
        tenant = tenant_id(found[1]) if found else None
        if found is None or tenant not in resolution.active_tenants():
            raise MessageRefused(task=self.name, header=header[:80] or "no header")
        return scope.tenant_scope(tenant, read_only=found[2] == "read")


def _written(current: Scope) -> str:
    """The scope as the header has it; empty where it is no tenant's."""
    if current.role != TENANT_ROLE or not current.tenant:
        return ""
    return f"{current.tenant} {'read' if current.read_only else 'write'}"


def _of_the_task_at_work() -> str:
    """The header of the message after which Celery publishes the next one of a chain, when its scope is over."""
    return _header_of(current_task.request.headers) if current_task else ""


def _header_of(headers: Mapping[str, Any] | None) -> str:
    header = (headers or {}).get(HEADER)
    return header if isinstance(header, str) else ""
