"""`/api/schema` and `/api/docs`, for everybody who has a credential."""

import json
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from tenants import errors
from tenants.api.views import TenantView
from vital.content_policy import policy

CATALOGUE = ("/api/tools-crud", "/api/prompts-crud")


@cache
def document() -> str:
    """The OpenAPI document; it follows from the code and is made once."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    schema["paths"] = {path.rstrip("/"): operations for path, operations in schema["paths"].items()}
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            if path.startswith(CATALOGUE) and "requestBody" in operation:
                operation["requestBody"]["required"] = True  # also where no field of it is
    open_to_all = schema["paths"]["/api/knowledge-domains"]["get"]
    open_to_all["security"] = [{}, *open_to_all["security"]]
    schema["components"]["schemas"]["ErrorShape"]["properties"]["code"]["enum"] = errors.codes()
    _show_refusals(schema)
    return json.dumps(schema)


def _show_refusals(schema: dict[str, Any]) -> None:
    """Each answer that is an error shows every code that it may have, with its sentence."""
    kinds = errors.by_status()
    shown = {kind.code: kind for same in kinds.values() for kind in reversed(same)}
    schema["components"]["examples"] = {code: {"value": errors.example_of(kind)} for code, kind in shown.items()}
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if codes := sorted({kind.code for kind in kinds.get(int(status), [])}):
                    refs = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
                    answer["content"]["application/json"]["examples"] = refs


class OfTheApi(TenantView):
    """For everybody with a credential; in demo mode, which answers on this machine alone, for everybody."""

    reads_rows = False
    open_to_all = settings.DEMO


@extend_schema(exclude=True)
class Schema(OfTheApi):
    """The OpenAPI 3 document of every endpoint under /api/."""

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(document(), content_type="application/json")


# Swagger UI comes from here and asks here: nothing of another origin is loaded.
POLICY = policy(script_src="'self'", style_src="'self' 'unsafe-inline'", img_src="'self' data:", connect_src="'self'")


@extend_schema(exclude=True)
class Docs(OfTheApi):
    """The same for people, to read and to try out: with a key, a token, or the session of the admin."""

    def get(self, request: Request) -> HttpResponse:
        page = HttpResponse(render_to_string("vital/api_docs.html"))
        page["Content-Security-Policy"] = POLICY
        return page
