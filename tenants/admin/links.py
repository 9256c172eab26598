"""Everything that has a name is a link to its page, for whoever may open that page: in lists, and on pages of rows.

A kind says which model's page it is and how names of many are found at once; a page says which columns name what.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import DatabaseError, models, transaction
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.identity import tenant_id
from tenants.models import TenantRecord

Found = dict[Any, tuple[str, str]]  # key → (its name, where its page is)


@dataclass(frozen=True)
class Kind:
    """`page`: the model whose pages these are, of one key; `find`: the names and pages of those that there are."""

    page: Callable[[Any], type[Model] | None]
    find: Callable[[set[Any]], Found]


KINDS: dict[str, Kind] = {}


def change_page(model: type[Model], key: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[key])


def list_page(model: type[Model], **asked: str | int) -> str:
    """The list, of the rows with these values where some are named."""
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{page}?{urlencode(asked)}" if asked else page


def anchor(address: str, shown: str) -> SafeString:
    """A link as every page has it."""
    return format_html('<a class="vital-link" href="{}">{}</a>', address, shown)


def rows_of(model: type[Model], name: Callable[[Any], str] = str, by: str = "pk") -> Kind:
    """The kind that a model's rows are; `by` is the field that they are named by elsewhere."""

    def find(keys: set[Any]) -> Found:
        found = model._default_manager.filter(**{f"{by}__in": keys})
        return {getattr(row, by): (name(row), change_page(model, row.pk)) for row in found}

    return Kind(lambda key: model, find)


def _tenants(keys: set[Any]) -> Found:
    """By id or by slug: both are written down."""
    ids = {UUID(key) for key in keys if tenant_id(key)}
    wanted = models.Q(pk__in=ids) | models.Q(slug__in=keys)
    found: Found = {}
    for row in TenantRecord.objects.filter(wanted).only("id", "slug", "name"):
        found |= dict.fromkeys((str(row.pk), row.slug), (row.name, change_page(TenantRecord, row.pk)))
    return found


KINDS["tenant"] = Kind(lambda key: TenantRecord, _tenants)
KINDS["staff"] = rows_of(User, User.get_username, by="username")


@dataclass
class Names:
    """What is named on one page, looked up once for all of it."""

    request: HttpRequest
    known: dict[tuple[str, Any], tuple[str, str]] = field(default_factory=dict)
    asked: set[tuple[str, Any]] = field(default_factory=set)

    def load(self, kind: str, keys: Iterable[Any]) -> None:
        """Where the database refuses, as it may while isolation is off, keys stand for the names."""
        wanted = {key for key in keys if (kind, key) not in self.asked}
        if not wanted:
            return  # each savepoint is two more questions to the server, and a list has hundreds of cells
        self.asked |= {(kind, key) for key in wanted}
        try:
            with transaction.atomic():
                found = KINDS[kind].find(wanted)
        except DatabaseError:
            found = {}
        self.known |= {(kind, key): names for key, names in found.items()}

    def name(self, kind: str, key: Any) -> str:
        """The name; the key where there is no such thing any more."""
        self.load(kind, [key])
        return self.known.get((kind, key), ("", ""))[0] or _plain(key)

    def link(self, kind: str, key: Any) -> str | SafeString:
        """The name as a link, or alone: to whoever may not open the page, or where there is none any more."""
        shown = self.name(kind, key)
        address = self.known.get((kind, key), ("", ""))[1]
        if not address or not self._may_open(KINDS[kind].page(key)):
            return shown
        return anchor(address, shown)

    def _may_open(self, model: type[Model] | None) -> bool:
        page = admin.site._registry.get(model) if model else None
        return page is not None and page.has_view_permission(self.request)


def _plain(key: Any) -> str:
    return str(key[-1]) if isinstance(key, tuple) else str(key)


def names_of(request: HttpRequest) -> Names:
    """Those of this request."""
    names: Names | None = getattr(request, "vital_names", None)
    if names is None:
        names = request.vital_names = Names(request)  # type: ignore[attr-defined]
    return names


Named = tuple[str, Any]  # kind, key
What = Callable[[Any], list[Named | str]]  # of a row: what it names there, and plain words


@dataclass(frozen=True)
class Linked:
    """A column whose cells name things; Django takes it for a method of the page."""

    name: str
    what: What = field(compare=False)
    names: Names = field(compare=False)
    short_description: str = field(compare=False)
    admin_order_field: Any = field(compare=False, default=None)
    empty_value_display: str = field(compare=False, default="-")

    def __post_init__(self) -> None:
        object.__setattr__(self, "__name__", self.name)  # what Django calls a column

    def text(self, row: Any) -> str:
        return ", ".join(one if isinstance(one, str) else self.names.name(*one) for one in self.what(row))

    def __call__(self, row: Any) -> str | SafeString | None:
        shown = [one if isinstance(one, str) else self.names.link(*one) for one in self.what(row)]
        if not shown:
            return None
        return format_html(", ".join(["{}"] * len(shown)), *shown)


def one(kind: str, attribute: str) -> What:
    """The value of this attribute is such a thing; none where it is empty."""

    def what(row: Any) -> list[Named | str]:
        value = getattr(row, attribute, None)
        return [] if value in (None, "") else [(kind, str(value) if isinstance(value, UUID) else value)]

    return what


class WithLinks:
    """A page whose `links` say which of its columns name things."""

    links: ClassVar[dict[str, What]] = {}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shown = super().get_list_display(request)  # type: ignore[misc]
        return [self._linked(request, name) if name in self.links else name for name in shown]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Each once: Django adds what is read only to the fields of the form."""
        shown = super().get_fields(request, obj)  # type: ignore[misc]
        linked = [self._linked(request, name) if obj and self._reads(request, obj, name) else name for name in shown]
        return list(dict.fromkeys(linked))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        known = [*super().get_readonly_fields(request, obj)]  # type: ignore[misc]
        return [*known, *(self._linked(request, name) for name in self.links)] if obj else known

    def _reads(self, request: HttpRequest, obj: Model, name: Any) -> bool:
        return name in self.links and not self.has_change_permission(request, obj)  # type: ignore[attr-defined]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Names for the whole page are found by one question of each kind."""
        changelist = super().get_changelist_instance(request)  # type: ignore[misc]
        self.prepare(changelist.result_list)
        self.load_names(request, changelist.list_display, changelist.result_list)
        return changelist

    def load_names(self, request: HttpRequest, columns: Iterable[Any], rows: Collection[Any]) -> None:
        wanted: dict[str, set[Any]] = {}
        for column in columns:
            for row in rows if isinstance(column, Linked) else ():
                for named in column.what(row):
                    if not isinstance(named, str):
                        wanted.setdefault(named[0], set()).add(named[1])
        for kind, keys in wanted.items():
            names_of(request).load(kind, keys)

    def prepare(self, rows: Iterable[Any]) -> None:
        """What a page must know of its rows before their cells are made: asked once for all of them."""

    def _linked(self, request: HttpRequest, name: str) -> Linked:
        method, opts = getattr(self, name, None), self.opts  # type: ignore[attr-defined]
        plain = next((one for one in opts.get_fields() if one.name == name and hasattr(one, "verbose_name")), None)
        title = getattr(method, "short_description", None) or (plain.verbose_name if plain else name.replace("_", " "))
        order = getattr(method, "admin_order_field", None) or (name if plain else None)
        return Linked(name, self.links[name], names_of(request), str(title), order)
