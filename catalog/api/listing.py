"""Lists in two index-ordered branches: what the pages of tools and prompts have in common."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse

from catalog.api.row_memory import ROWS, Rows
from tenants.api.views import TenantView, json_bytes, raw_rows
from tenants.queries import load_queries

QUERIES = load_queries(Path(__file__).parent / "sql")
PLATFORM = {"platform": settings.PLATFORM_ID}
MOST = 10_000  # the frontends load a whole catalogue
Page = list[tuple[bytes, ...]]  # each row's JSON, and what the statement says beside it


@dataclass(frozen=True)
class Kind:
    """The rows of a list: their table, the expression of a row's JSON, and the columns that name and order them."""

    table: str
    shape: str
    in_order: str

    @property
    def version(self) -> str:
        return QUERIES["row_version"].format(table=self.table)

    def read(self, tenants: list[str] | None, versions: Iterable[bytes]) -> Rows:
        """The JSON of the rows with these versions, as far as they still are there; of a row changed since, the new."""
        ids = [version.partition(b" ")[0].decode() for version in versions]
        parts = {"version": self.version, "shape": self.shape, "of_tenants": QUERIES["rows_of_seen_tenants"]}
        statement = QUERIES["rows_by_id"].format(table=self.table, **parts)
        return {row[0]: row[1] for row in raw_rows(statement, PLATFORM | {"ids": ids, "tenants": tenants})}


def seen_tenants(view: TenantView) -> list[str] | None:
    """Whose rows this request may see; None for everybody's."""
    if view.tenant_request.sees_all:
        return None
    return [*([view.tenant.id] if view.tenant else []), PLATFORM["platform"]]


@dataclass(frozen=True)
class Source:
    """Where a page's rows come from, and what counts them."""

    rows: str
    count: str


class Listing(TenantView):
    """A list: of what a tenant sees, or, for those who see everything, of every tenant's."""

    cacheable = True
    kind: ClassVar[Kind]
    of_tenant: ClassVar[Source]
    of_all: ClassVar[Source]

    def page(self, statement: str, params: dict[str, Any], filters: list[str]) -> Page:
        """The rows that the filters and params (limit, offset) select, as JSON that the database has written.

        Asked for are their versions, and the JSON of those that are unknown. Each is a transaction of its own: what a
        version names does not change in between, and a row that is gone by then has the whole page asked for at once.
        """
        params |= PLATFORM | {"own": self._own, "reach": params["limit"] + params["offset"]}
        if ROWS:
            named = self._asked(statement, params, filters, self.kind.version, self.kind.in_order)
            rows = ROWS.recall([version for version, _ in named], partial(self.kind.read, seen_tenants(self)))
            if rows is not None:
                return [(rows[version], beside) for version, beside in named]
        return self._asked(statement, params, filters, self.kind.shape, "*")

    def counted_page(self, statement: str, params: dict[str, Any], filters: list[str]) -> tuple[list[bytes], int]:
        """The same of a statement that says the number of all beside each row; without a row it is asked for alone."""
        found = self.page(statement, params, filters)
        counts = found[:1] or [(b"", *raw_rows(self._source(filters, "*").count, params)[0])]
        return [row for row, _ in found], int(counts[0][1])

    def _asked(self, statement: str, params: dict[str, Any], filters: list[str], shown: str, columns: str) -> Page:
        source = self._source(filters, columns)
        return raw_rows(statement.format(page=source.rows, count=source.count, shown=shown), params)

    def _source(self, filters: list[str], columns: str) -> Source:
        """With these filters and columns in their place."""
        source = self.of_all
        if not self.tenant_request.sees_all:
            source, filters = (self.of_tenant, filters) if self._own else (source, [QUERIES["of_platform"], *filters])
        asked = "\n".join(filters)
        return Source(source.rows.format(filters=asked, columns=columns), source.count.format(filters=asked))

    @property
    def _own(self) -> str | None:
        """The tenant whose rows are listed beside the Platform's; None where there are the Platform's alone."""
        return self.tenant.id if self.tenant and not self.tenant.is_platform else None

    def chosen(self, filters: dict[str, str], params: dict[str, Any]) -> list[str]:
        """The filters, by parameter, that the address asks for; their values go into `params`."""
        found = []
        for name, statement in filters.items():
            value = self.parameter(name)
            if name == "search" and value:
                params[name] = containing(value)
            elif value not in ("", "all"):
                params[name] = value
            else:
                continue
            found.append(statement)
        return found


def listed(name: str, rows: Iterable[bytes], **beside: Any) -> HttpResponse:
    """`{"success": true, name: [rows], **beside}`."""
    return json_bytes(
        b'{"success": true, "%b": [%b], %b' % (name.encode(), b", ".join(rows), json.dumps(beside).encode()[1:])
    )


def containing(text: str) -> str:
    """A LIKE pattern for texts that contain this one."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
