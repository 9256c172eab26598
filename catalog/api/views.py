"""One row's address, and writes on the collection's that name the row in the body or the query."""

from dataclasses import replace
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from catalog.api import bulk, writes
from catalog.api.listing import Listing
from catalog.api.resource import Found, Resource
from tenants.api.views import TenantView, json_answer
from tenants.errors import BadRequestBody, Refusal


class Collection(Listing):
    """A list, and the writes that frontends send to its address."""

    resource: ClassVar[Resource]

    def post(self, request: Request) -> HttpResponse:
        of = self.resource
        writes.may_create(of, self)  # before the body is read
        if (items := bulk.wanted(self)) is not None:
            return bulk.carried_out(of, self, items, lambda item: writes.create(of, self, lambda: an_object(item)), 201)
        return of.written(self, writes.create(of, self, self.json_object), 201)

    def put(self, request: Request) -> HttpResponse:
        return changed(self.resource, self, self._key_in(self.json_object()))

    def patch(self, request: Request) -> HttpResponse:
        of = self.resource
        if (items := bulk.wanted(self)) is None:
            raise BadRequestBody("The body must be a JSON list; one row is changed by PUT, or at its own address.")
        return bulk.carried_out(of, self, items, lambda item: writes.change(of, self, self._key_in(item), lambda: item))

    def delete(self, request: Request) -> HttpResponse:
        of = self.resource
        if "id" in self.request.GET or (items := bulk.wanted(self)) is None:
            return removed(of, self, self.key_in_query())
        return bulk.carried_out(of, self, items, self._removed, show=False)

    def _removed(self, item: Any) -> Found:
        """By the name that it was given."""
        key = self._key_in(item)
        return replace(writes.remove(self.resource, self, key), id=key)

    def key_in_query(self) -> str:
        if not (key := self.parameter("id")):
            raise Refusal(f"Say which {self.resource.noun}: ?id= with its id or {self.resource.key}.")
        return key

    def _key_in(self, item: Any) -> str:
        key = an_object(item).get("id")
        if not isinstance(key, str) or not key:
            raise BadRequestBody(f"Say which {self.resource.noun}: it needs an id.")
        return key


class Item(TenantView):
    """One row, by its id or the name people know."""

    resource: ClassVar[Resource]

    def get(self, request: Request, key: str) -> HttpResponse:
        return self.resource.shown(self, self.resource.find(self, key))

    def put(self, request: Request, key: str) -> HttpResponse:
        return changed(self.resource, self, key)

    def patch(self, request: Request, key: str) -> HttpResponse:
        return self.put(request, key)

    def delete(self, request: Request, key: str) -> HttpResponse:
        return removed(self.resource, self, key)


def an_object(item: Any) -> dict[str, Any]:
    """An item of a list. Raises BadRequestBody."""
    if not isinstance(item, dict):
        raise BadRequestBody("Each item must be a JSON object.")
    return item


def changed(resource: Resource, view: TenantView, key: str) -> HttpResponse:
    return resource.written(view, writes.change(resource, view, key, view.json_object))


def removed(resource: Resource, view: TenantView, key: str) -> HttpResponse:
    name = writes.remove(resource, view, key).name
    message = f'{resource.noun.capitalize()} "{name}" deleted successfully'
    return json_answer({"success": True, "message": message})
