"""One row's address, and writes on the collection's that name the row in the body or the query."""

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from catalog.api import writes
from catalog.api.listing import Listing
from catalog.api.resource import Resource
from tenants.api.views import TenantView, json_answer
from tenants.errors import BadRequestBody, Refusal


class Collection(Listing):
    """A list, and the writes that frontends send to its address."""

    resource: ClassVar[Resource]

    def post(self, request: Request) -> HttpResponse:
        return self.resource.shown(self, writes.create(self.resource, self, self.json_object()), 201)

    def put(self, request: Request) -> HttpResponse:
        return changed(self.resource, self, self._key_in_body())

    def delete(self, request: Request) -> HttpResponse:
        return removed(self.resource, self, self.key_in_query())

    def key_in_query(self) -> str:
        if not (key := self.parameter("id")):
            raise Refusal(f"Say which {self.resource.noun}: ?id= with its id or {self.resource.key}.")
        return key

    def _key_in_body(self) -> str:
        key = self.json_object().get("id")
        if not isinstance(key, str) or not key:
            raise BadRequestBody(f"Say which {self.resource.noun}: the body needs an id.")
        return key


class Item(TenantView):
    """One row, by its id or the name people know."""

    resource: ClassVar[Resource]

    def get(self, request: Request, key: str) -> HttpResponse:
        return self.resource.shown(self, self.resource.find(self, key).id)

    def put(self, request: Request, key: str) -> HttpResponse:
        return changed(self.resource, self, key)

    def patch(self, request: Request, key: str) -> HttpResponse:
        return self.put(request, key)

    def delete(self, request: Request, key: str) -> HttpResponse:
        return removed(self.resource, self, key)


def changed(resource: Resource, view: TenantView, key: str) -> HttpResponse:
    return resource.shown(view, writes.change(resource, view, key, view.json_object()))


def removed(resource: Resource, view: TenantView, key: str) -> HttpResponse:
    name = writes.remove(resource, view, key)
    message = f'{resource.noun.capitalize()} "{name}" deleted successfully'
    return json_answer({"success": True, "message": message})
