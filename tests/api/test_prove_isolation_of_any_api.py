"""An API that is nobody's of ours, described by OpenAPI: its leaks are found, and one that has none holds."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.support.command_results import Manage, document, said

TOKENS = {"Bearer of-north": "north", "Bearer of-south": "south"}
PARAMETERS = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
ORDERS = {"get": {"parameters": [{"$ref": "#/components/parameters/customer"}]}, "post": {}}
OPENAPI = {
    "openapi": "3.0.3",
    "servers": [{"url": "/v1"}],
    "paths": {"/orders": ORDERS, "/orders/{id}": {"parameters": PARAMETERS, "get": {}, "put": {}, "delete": {}}},
    "components": {"parameters": {"customer": {"name": "customer_id", "in": "query"}}},
}


class Api(BaseHTTPRequestHandler):
    """Orders of two tenants. `leak` says what is wrong with it."""

    leak = ""
    rows: dict[str, dict[str, str]]

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        tenant = TOKENS.get(self.headers.get("Authorization", ""), "")
        if path == "/openapi.json":
            return self._answer(200, OPENAPI)
        if not tenant and self.leak != "no credential":
            return self._answer(401, {})
        if path == "/v1/orders":
            by = query.removeprefix("customer_id=") if self.leak == "filter" and query else ""
            shown = [row for row in self.rows.values() if row["tenant"] == tenant or by in {row["id"]}]
            return self._answer(200, shown)
        row = self._row(tenant)
        return self._answer(200, row) if row else self._answer(404, {})

    def do_PUT(self) -> None:
        self._write()

    def do_DELETE(self) -> None:
        self._write(delete=True)

    def _write(self, *, delete: bool = False) -> None:
        row = self._row(TOKENS.get(self.headers.get("Authorization", ""), ""), writing=True)
        if row and delete:
            del self.rows[row["id"]]
        self._answer(204 if row else 404, {})

    def _row(self, tenant: str, *, writing: bool = False) -> dict[str, str] | None:
        row = self.rows.get(self.path.rpartition("/")[2])
        opened = self.leak in ({"delete"} if writing else {"read", "no credential"})
        return row if row and (row["tenant"] == tenant or opened) else None

    def _answer(self, status: int, body: Any) -> None:
        content = b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def serving(leak: str) -> Iterator[str]:
    rows = {f"{tenant}-{n}": {"id": f"{tenant}-{n}", "tenant": tenant} for tenant in ("north", "south") for n in "12"}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Leaky", (Api,), {"leak": leak, "rows": rows}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/openapi.json"
    server.shutdown()
    server.server_close()


CREDENTIALS = ("--as", "north=env:NORTH_TOKEN", "--as", "south=Authorization: Bearer of-south")
ENV = {"NORTH_TOKEN": "of-north"}


def test_one_without_a_leak_holds(manage: Manage, tmp_path: Path) -> None:
    with serving("") as url:
        files = ("--junit", str(tmp_path / "junit.xml"), "--sarif", str(tmp_path / "found.sarif"))
        done = manage("", "prove_isolation", "--openapi", url, *CREDENTIALS, "--json", *files, env=ENV)

    assert done.returncode == 0, said(done)
    found = document(done)
    assert {(one["attacker"], one["victim"]) for one in found["matrix"]} == {
        ("north", "south"), ("south", "north"), ("nobody", "north"), ("nobody", "south"),
    }  # fmt: skip
    not_tried = {left["what"] for left in found["not_tried"]}
    assert not_tried == {"PUT /orders/{id}", "DELETE /orders/{id}", "POST /orders"}
    assert "of-north" not in said(done)
    suites = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert len(suites.findall(".//testcase")) == len(found["matrix"])
    assert suites.findall(".//failure") == []
    (run,) = json.loads((tmp_path / "found.sarif").read_text())["runs"]
    assert {result["level"] for result in run["results"]} == {"note"}


@pytest.mark.parametrize(
    ("leak", "where", "verb", "attackers"),
    [
        ("read", "/orders/{id}", "GET", {"north", "south"}),
        ("no credential", "/orders/{id}", "GET", {"nobody", "north", "south"}),
        ("filter", "/orders", "GET", {"north", "south"}),
        ("delete", "/orders/{id}", "DELETE", {"north", "south"}),
    ],
)
def test_a_leak_is_found(manage: Manage, tmp_path: Path, leak: str, where: str, verb: str, attackers: set[str]) -> None:
    writes = ("--writes",) if verb == "DELETE" else ()
    sarif = tmp_path / "found.sarif"
    with serving(leak) as url:
        options = ("--openapi", url, *CREDENTIALS, *writes, "--json", "--sarif", str(sarif))
        done = manage("", "prove_isolation", *options, env=ENV)

    assert done.returncode == 1, said(done)
    leaks = [one for one in document(done)["matrix"] if one["outcome"] == "LEAK"]
    assert (where, verb) in {(one["what"], one["verb"]) for one in leaks}
    assert {one["attacker"] for one in leaks} <= attackers
    (run,) = json.loads(sarif.read_text())["runs"]
    assert f"leak/{verb}" in {result["ruleId"] for result in run["results"] if result["level"] == "error"}


def test_what_cannot_be_attacked_is_said(manage: Manage) -> None:
    with serving("") as url:
        for options, reason in (
            (("--openapi", url, "--as", "north=of-north"), "two tenants"),
            (("--openapi", url, "--as", "north=env:NOWHERE", "--as", "south=x"), "credential of north is empty"),
            (("--openapi", url, "--as", "north=wrong", "--as", "south=wrong-too"), "right one"),
            (("--openapi", url + "x", "--as", "north=a", "--as", "south=b"), "answered with"),
            (("--openapi", "http://127.0.0.1:1/o", "--as", "north=a", "--as", "south=b"), "cannot be attacked"),
        ):
            done = manage("", "prove_isolation", *options)
            assert done.returncode == 2, said(done)
            assert reason in " ".join(done.stderr.split())
