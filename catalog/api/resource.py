"""A kind of row that tenants write: what is particular to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import models
from django.http import HttpResponse

from catalog.api.listing import PLATFORM
from tenants import bounds
from tenants.api import views
from tenants.api.fields import Body
from tenants.api.views import TenantView, json_bytes
from tenants.errors import NotFound
from tenants.identity import TenantInfo
from tenants.identity import tenant_id as canonical_uuid


@dataclass(frozen=True)
class Found:
    """A row that this request can see: its id, its tenant's, and the name people know it by."""

    id: str
    tenant: str
    name: str


class Resource:
    """A kind: its table, the statements that find and show one row, the shapes of bodies, and its own rules.

    `key` is what people call a row by, beside its id: the body's field; `columns` gives the column of each field.
    """

    noun: ClassVar[str]
    key: ClassVar[str]
    model: ClassVar[type[models.Model]]
    find_by: ClassVar[str]
    shown_as: ClassVar[str]
    columns: ClassVar[Mapping[str, str]]
    new: ClassVar[type[Body]]
    changed: ClassVar[type[Body]]

    def may_write(self, view: TenantView, tenant: TenantInfo, row_tenant: str) -> None:
        """Raise Forbidden or SharedResource unless this caller may write a row of `row_tenant`."""
        raise NotImplementedError

    def check_limit(self, tenant: TenantInfo) -> None:
        """Raise Conflict where the tenant may have no more of them."""

    def cleaned(self, view: TenantView, given: dict[str, Any]) -> dict[str, Any]:
        """The body's values, without those that are not the caller's to say."""
        return given

    def defaults(self, view: TenantView, given: dict[str, Any]) -> dict[str, Any]:
        """Values of a new row, by column, where the body has none."""
        return {}

    def find(self, view: TenantView, key: str) -> Found:
        """The row. Raises NotFound, alike for rows that are nobody's and rows that are another tenant's."""
        own = view.tenant.id if view.tenant else None
        params = {"id": canonical_uuid(key), "key": key, "own": own}
        found = views.rows(self.find_by, params) if bounds.is_text(key) else []
        if not found:
            raise NotFound
        return Found(*found[0])

    def shown(self, id: str, status: int = 200) -> HttpResponse:
        """The row as it stands now, in the request's transaction."""
        answer = json_bytes(views.rows(self.shown_as, PLATFORM | {"id": id})[0][0])
        answer.status_code = status
        return answer
