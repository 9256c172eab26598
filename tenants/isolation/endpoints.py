"""The service's addresses, as the contract has them: every way to one row, to a list, and to a new row."""

from dataclasses import dataclass
from typing import Any

from tenants.isolation.targets import MARK


@dataclass(frozen=True)
class Route:
    """A way to one row, by its id or its code; `in_body` sends the id there instead of in the address."""

    method: str
    path: str
    by: str = "id"
    in_body: bool = False

    @property
    def verb(self) -> str:
        style = " in the body" if self.in_body else " in the query" if "?" in self.path else ""
        return f"{self.method} by {self.by}{style}"

    def body(self, key: str) -> dict[str, Any] | None:
        if self.method not in {"PUT", "PATCH"}:
            return None
        return {"description": MARK} | ({"id": key} if self.in_body else {})


@dataclass(frozen=True)
class Endpoint:
    """A list of rows of one table. `mark` is the column in which a planted row can be told from all others."""

    path: str
    relation: str
    mark: str
    routes: tuple[Route, ...] = ()
    new: tuple[str, ...] = ()

    def lists(self) -> dict[str, str]:
        return {
            "GET list": f"{self.path}?search={MARK}",
            "GET list with showAll": f"{self.path}?search={MARK}&showAll=true",
        }

    def body_of_new(self, code: str, tenant: str) -> dict[str, Any]:
        """A row that claims to be another tenant's."""
        return dict.fromkeys(self.new, "probe") | {self.new[0]: code, "name": code, "tenant_id": tenant}


TOOLS, PROMPTS = "/api/tools-crud", "/api/prompts-crud"
VERBS = ("GET", "PUT", "PATCH", "DELETE")
ENDPOINTS = (
    Endpoint(
        TOOLS, "public.tools", "tool_key",
        (
            *(Route(method, TOOLS + "/{key}") for method in VERBS),
            *(Route(method, TOOLS + "/{key}", by="code") for method in VERBS),
            Route("PUT", TOOLS, in_body=True),
            Route("DELETE", TOOLS + "?id={key}"),
        ),
        ("code", "name"),
    ),
    Endpoint(
        PROMPTS, "public.prompts", "name",
        (
            Route("GET", PROMPTS + "?action=get&id={key}"),
            Route("GET", PROMPTS + "?action=get&id={key}", by="name"),
            Route("PUT", PROMPTS + "/{key}"),
            Route("PUT", PROMPTS, in_body=True),
            Route("DELETE", PROMPTS + "/{key}"),
            Route("DELETE", PROMPTS + "?id={key}"),
        ),
        ("name", "display_name", "description", "domain", "system_prompt", "user_prompt_template"),
    ),
    Endpoint("/api/knowledge-domains", "public.knowledge_domains", "slug"),
)  # fmt: skip
TENANTS = "/api/tenants"
