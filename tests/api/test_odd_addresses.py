"""No parameter, key or cursor is a 500: each known parameter, each address with a key, each odd value."""

from urllib.parse import quote

import pytest

from tests.support.cast import PHARMA
from tests.support.hostile_values import VALUES
from tests.support.service import Service
from tests.support.tokens import super_admin, user

COLLECTIONS = {
    "/api/tools-crud": (
        "limit",
        "offset",
        "search",
        "category",
        "tool_type",
        "status",
        "is_active",
        "cursor",
        "showAll",
    ),
    "/api/prompts-crud": (
        *("domain", "search", "suite", "complexity", "status", "page", "limit", "showAll"),
        *("action=get&id", "action"),
    ),
    "/api/knowledge-domains": ("limit",),
    "/api/tenants": ("limit",),
    "/api/migrations/runs": ("limit",),
    "/api/migrations/findings": ("limit", "relation", "check", "status", "after"),
}
KEYS = ("/api/tools-crud/{}", "/api/prompts-crud/{}", "/api/migrations/runs/{}", "/api/migrations/runs/{}/findings")
DELETES = ("/api/tools-crud?id={}", "/api/prompts-crud?id={}")


@pytest.mark.slow
@pytest.mark.parametrize("path", COLLECTIONS)
def test_every_parameter(service: Service, path: str) -> None:
    _all_answered(service, "GET", [f"{path}?{name}={{}}" for name in COLLECTIONS[path]])


@pytest.mark.parametrize("path", KEYS)
def test_every_key(service: Service, path: str) -> None:
    _all_answered(service, "GET", [path])


@pytest.mark.parametrize("path", DELETES)
def test_every_key_in_a_parameter(service: Service, path: str) -> None:
    _all_answered(service, "DELETE", [path])


def _all_answered(service: Service, method: str, paths: list[str]) -> None:
    who = super_admin(PHARMA) if "migrations" in paths[0] else user(PHARMA)
    wrong = {}
    with service.line() as line:
        for path in paths:
            for name, value in VALUES.items():
                encoded = quote(value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass"), safe="")
                answer = line.call(method, path.format(encoded), who)
                if answer.status not in (200, 202, 400, 403, 404, 405):
                    wrong[path, name] = answer
    assert not wrong
