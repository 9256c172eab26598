"""A frontend is switched over by the lines of the documentation: for one person, one page, everybody, and back."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import frontend, patience
from tests.support.cast import PLATFORM
from tests.support.contract import DOMAINS, PROMPTS, TOOLS
from tests.support.ports import free_port
from tests.support.service import Headers, Line, Service
from tests.support.tokens import Who

ADDRESSES = (TOOLS, f"{TOOLS}/nothing", f"{TOOLS}?limit=1", PROMPTS, f"{PROMPTS}/a%20b%2Fc", DOMAINS)
OTHERS = ("/api/agents", "/api/tools-crud-of-ours", "/api/tenants", "/api/toolscrud", "/api/migrations/runs")
FROM = "http://app.example.org"
VISITORS: dict[str, Who] = {
    "somebody": {},
    "who tries it": {"Cookie": "x=1; vital=1"},
    "who tried it": {"Cookie": "xvital=1; vital="},
    "the page": {"Referer": f"{FROM}/prompts?id=1"},
    "below the page": {"Referer": f"{FROM}/prompts/new"},
    "another page": {"Referer": f"{FROM}/promptsx"},
}
EVERYBODY, PERSON, PAGE = set(VISITORS), {"who tries it"}, {"the page", "below the page"}


def went_to_vital(port: int, path: str, who: Headers = ()) -> bool:
    """As the documentation says to see it."""
    line = Line(port)
    try:
        return "x-tenant-id" in line.call("GET", path, who).headers
    finally:
        line.close()


def who_goes_to_vital(port: int) -> set[str]:
    """Of the visitors, those all of whose catalogue goes there; nobody has half of it, or anything else."""
    for who in VISITORS.values():
        assert not any(went_to_vital(port, path, who) for path in OTHERS)
        assert len({went_to_vital(port, path, who) for path in ADDRESSES}) == 1
    return {name for name, who in VISITORS.items() if went_to_vital(port, TOOLS, who)}


@pytest.mark.parametrize(
    ("built_with", "who"),
    [
        ({}, EVERYBODY),
        ({"VITAL_COOKIE": "vital"}, PERSON),
        ({"VITAL_PAGE": "/prompts"}, PAGE),
        ({"VITAL_URL": ""}, set()),
    ],
)
def test_by_next_js(service: Service, built_with: dict[str, str], who: set[str]) -> None:
    with frontend.served(service.port, PLATFORM, built_with=built_with) as port:
        assert who_goes_to_vital(port) == who


NGINX = """
daemon off; pid {folder}/pid; error_log stderr; events {{}}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {block}
}}
"""
PROXIES = {"nginx": NGINX, "caddy": "{{\n\tadmin off\n}}\n{block}"}
# What the page says to change of its lines.
STAGES: dict[tuple[str, str], tuple[dict[str, str], set[str]]] = {
    ("nginx", "one person"): ({}, PERSON),
    ("nginx", "one page"): (
        {"map $cookie_vital": "map $http_referer", "    1  ": r"    ~^https?://[^/]+/prompts\b "},
        PAGE,
    ),
    ("nginx", "everybody"): ({"default http://127.0.0.1:8080": "default http://127.0.0.1:3000"}, EVERYBODY),
    ("caddy", "one person"): ({}, PERSON),
    ("caddy", "one page"): (
        {'header_regexp Cookie "(^|; )vital=1(;|$)"': r'header_regexp Referer "^https?://[^/]+/prompts\b"'},
        PAGE,
    ),
    ("caddy", "everybody"): ({"header_regexp Cookie": "#"}, EVERYBODY),
}


@contextmanager
def proxy(kind: str, block: str, folder: Path) -> Iterator[int]:
    """The proxy before the two, by the page's block."""
    program, port = shutil.which(kind, path=f"{os.environ['PATH']}:/usr/sbin:/sbin"), free_port()
    if program is None:
        pytest.skip(f"no {kind} on this machine")
    block = block.replace("listen 80;", f"listen 127.0.0.1:{port};").replace(
        "app.example.org", f"http://127.0.0.1:{port}"
    )
    config = folder / "Caddyfile"
    config.write_text(PROXIES[kind].format(folder=folder, block=block), encoding="utf-8")
    arguments = ["-p", str(folder), "-c", str(config)] if kind == "nginx" else ["run", "--config", str(config)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *arguments], env=environment, stdout=log, stderr=log)
    try:
        _until_it_listens(process, port, folder / "log")
        yield port
    finally:
        process.terminate()
        process.wait()


def _until_it_listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + patience.seconds(20)
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            went_to_vital(port, "/")
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(log.read_text())


@pytest.mark.parametrize(("kind", "stage"), STAGES)
def test_by_a_proxy(service: Service, tmp_path: Path, kind: str, stage: str) -> None:
    changed, who = STAGES[kind, stage]
    block = frontend.shown(kind)
    for was, now in changed.items():
        assert was in block
        block = block.replace(was, now)
    with frontend.served(service.port, PLATFORM, built_with={"VITAL_URL": ""}) as before:
        block = block.replace("127.0.0.1:8080", f"127.0.0.1:{before}").replace(
            "127.0.0.1:3000", f"127.0.0.1:{service.port}"
        )
        with proxy(kind, block, tmp_path) as port:
            assert who_goes_to_vital(port) == who
