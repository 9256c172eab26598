"""`/api/schema` and `/api/docs`, for everybody who has a credential."""

import json
from functools import cache

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from tenants import errors
from tenants.api.views import TenantView

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
    return json.dumps(schema)


@extend_schema(exclude=True)
class Schema(TenantView):
    """The OpenAPI 3 document of every endpoint under /api/."""

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(document(), content_type="application/json")


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>VITAL API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733; }
code, pre { font: 14px/1.5 ui-monospace, monospace; background: #f2f5f8; border-radius: 4px; padding: 0 .25rem; }
h2 { border-top: 1px solid #d7dee6; padding-top: 1.25rem; margin-top: 2rem; }
.verb { display: inline-block; min-width: 4.5rem; font-weight: 600; color: #0b62a4; }
table { border-collapse: collapse; width: 100%%; } td { padding: .2rem .75rem .2rem 0; vertical-align: top; }
td:first-child { white-space: nowrap; }
</style></head><body><h1>VITAL API</h1>
<p>Send <code>Authorization: Bearer TOKEN</code> or <code>x-api-key: KEY</code>, or have a session's cookie on the same
origin, and choose the tenant with <code>x-tenant-id</code>. The machine-readable document is at
<a href="/api/schema">/api/schema</a>.</p>
%s</body></html>"""


@cache
def page() -> str:
    """The document as a page that needs nothing from anywhere else."""
    from django.utils.html import escape

    parts = []
    for path, operations in sorted(json.loads(document())["paths"].items()):
        parts.append(f"<h2><code>{escape(path)}</code></h2>")
        for verb, operation in operations.items():
            told = escape(operation.get("description") or operation.get("summary") or "")
            parts.append(f'<p><span class="verb">{escape(verb.upper())}</span> {told}</p><table>')
            parts += [
                f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p.get('description', ''))}</td></tr>"
                for p in operation.get("parameters", [])
            ]
            answers = ", ".join(sorted(operation.get("responses", {})))
            parts.append(f"<tr><td>answers</td><td>{escape(answers)}</td></tr></table>")
    return PAGE % "".join(parts)


@extend_schema(exclude=True)
class Docs(TenantView):
    """The same for people."""

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(page())
