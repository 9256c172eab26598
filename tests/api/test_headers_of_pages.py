"""Security headers: nothing is loaded from elsewhere, no frames, and TLS only behind a proxy that has it."""

import pytest

from tests.support.cast import PHARMA
from tests.support.service import PRODUCTION, Service, served
from tests.support.service_under_test import ServiceDatabase
from tests.support.tokens import user

HSTS = "Strict-Transport-Security"


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/admin/nothing/", "/api/docs", "/api/tools-crud", "/x"])
def test_a_page_loads_nothing_from_elsewhere(service: Service, path: str) -> None:
    policy = service.get(path, user(PHARMA)).headers["Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == parts["base-uri"] == parts["frame-ancestors"] == "'none'"
    assert "http" not in policy
    assert "*" not in policy
    assert "'unsafe-inline'" not in parts.get("script-src", "")


@pytest.mark.parametrize("path", ["/api/docs", "/api/tools-crud?limit=1", "/api/nothing"])
def test_no_page_of_another_origin_loads_it_as_a_script(service: Service, path: str) -> None:
    for who in ({}, user(PHARMA)):
        headers = service.get(path, who).headers
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_tls_is_asked_for_behind_a_proxy_that_ends_it(service_database: ServiceDatabase, service: Service) -> None:
    by_tls = {"X-Forwarded-Proto": "https"}
    with served(service_database.login, PRODUCTION | {"VITAL_BEHIND_TLS": "1"}) as behind:
        assert "max-age=31536000" in behind.get("/admin/login/", by_tls).headers[HSTS]
        assert HSTS not in behind.get("/admin/login/").headers
    assert HSTS not in service.get("/admin/login/", by_tls).headers, "nobody has said that the proxy is to be trusted"
