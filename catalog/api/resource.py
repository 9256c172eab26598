"""A kind of row that tenants write: what is particular to it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import models
from django.http import HttpResponse

from catalog.api.fields import Row, Values
from catalog.api.listing import PLATFORM, QUERIES, seen_tenants
from tenants import bounds
from tenants.api import views
from tenants.api.fields import Body
from tenants.api.response_cache import etag_of
from tenants.api.views import TenantView, json_bytes
from tenants.errors import NotFound
from tenants.identity import TenantInfo
from tenants.identity import tenant_id as canonical_uuid

IGNORED = frozenset({"id", "tenant_id", "created_at", "updated_at", "is_shared"})


@dataclass(frozen=True)
class Found:
    """A row that this request can see: its id, its tenant's, and the name people know it by."""

    id: str
    tenant: str | None
    name: str

    @property
    def place(self) -> Values:
        """By what statements find it."""
        return {"id": self.id, "tenant": self.tenant}


class Resource:
    """A kind: its table, the statements that find and show one row, the shapes of bodies, and its own rules.

    `key` is what people call a row by, beside its id: the body's field. The statements of `find_by` are tried one after
    the other; only the first finds a row to write, since further names need not be unique. `second_names`: a body's
    field → column.
    """

    noun: ClassVar[str]
    key: ClassVar[str]
    model: ClassVar[type[models.Model]]
    table: ClassVar[str]
    find_by: ClassVar[tuple[str, ...]]
    answer: ClassVar[str]
    second_names: ClassVar[Mapping[str, str]] = {}
    new: ClassVar[type[Body]]
    changed: ClassVar[type[Body]]

    def may_write(self, view: TenantView, tenant: TenantInfo, row_tenant: str | None) -> None:
        """Raise Forbidden or SharedResource unless this caller may write a row of `row_tenant`."""
        raise NotImplementedError

    def check_limit(self, tenant: TenantInfo) -> None:
        """Raise Conflict where the tenant may have no more of them."""

    def ignored(self, view: TenantView) -> frozenset[str]:
        """Fields that are not the caller's to say."""
        return IGNORED

    def defaults(self, view: TenantView, given: Values) -> Values:
        """Values of a new row, by column, where the body has none."""
        return {}

    def find(self, view: TenantView, key: str, *, to_write: bool = False) -> Found:
        """The row. Raises NotFound, alike for rows that are nobody's and rows that are another tenant's."""
        own = view.tenant.id if view.tenant else None
        params = {"id": canonical_uuid(key), "key": key, "own": own, "tenants": seen_tenants(view)}
        for statement in self.find_by[: 1 if to_write else None] if bounds.is_text(key) else ():
            if found := views.rows(statement.format(of_tenants=QUERIES["rows_of_seen_tenants"]), params):
                return Found(*found[0])
        raise NotFound

    def content(self, found: Found) -> str:
        """The row as it stands now, as its answer's JSON."""
        return str(self._asked(QUERIES["row_shown"], found.place)[0][0])

    def shown(self, view: TenantView, found: Found) -> HttpResponse:
        """The answer to reading the row, with the ETag that If-Match takes."""
        content = self.content(found)
        answer = json_bytes(content)
        answer["ETag"] = etag(view, content)
        return answer

    def written(self, view: TenantView, found: Found, status: int = 200) -> HttpResponse:
        """The answer to writing it: the row as it stands now, or nothing where the client prefers that."""
        answer = self.shown(view, found)
        answer.status_code = status
        if status == 201:
            answer["Location"] = f"{view.request.path_info.rstrip('/')}/{found.id}"
        if prefers_minimal(view):
            answer.content = b""
            answer.status_code = 204 if status == 200 else status
            answer["Preference-Applied"] = "return=minimal"
        return answer

    def row(self, statement: str, params: Values) -> tuple[Row, str]:
        """A row of one of the statements that say the columns too, and the answer's content."""
        ((content, columns),) = self._asked(statement, params)
        # An integer of any length is read as a double, which is how it is compared.
        return Row(json.loads(content, parse_int=float)[self.noun], frozenset(columns)), content

    def _asked(self, statement: str, params: Values) -> list[tuple[Any, ...]]:
        parts = {"answer": self.answer, "table": self.table, "of_tenant": QUERIES["row_of_tenant"]}
        return views.rows(statement.format(**parts), PLATFORM | params)


def etag(view: TenantView, content: str) -> str:
    """One row's tag, the same whatever address it was read at."""
    return etag_of(view.tenant.id if view.tenant else "", content.encode())


def prefers_minimal(view: TenantView) -> bool:
    """Whether the client wants no row back (RFC 7240)."""
    return "return=minimal" in re.split(r"[,;\s]+", view.request.headers.get("prefer", "").lower())
