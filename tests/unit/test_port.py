"""A port that is taken, or none, is found before anything is begun, and one line says what to do."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.paths import ROOT
from vital.port import PortError, ensure_free


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """Somebody who would share the port with others of its kind, as the service's own server does."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind((request.param, 0))
        server.listen()
        yield server


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_taken_port_is_named_with_another_to_choose(listener: socket.socket, host: str) -> None:
    port = listener.getsockname()[1]

    with pytest.raises(PortError, match=rf"^Port {port} is taken: .* PORT={port + 1}\.$"):
        ensure_free(host, str(port))


def test_a_port_is_free_as_soon_as_its_server_has_ended(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    caller = socket.create_connection(("127.0.0.1", port))
    served, _ = listener.accept()
    listener.close()
    served.close()  # the server closed first: its side of the connection lingers
    caller.close()

    ensure_free("127.0.0.1", str(port))


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("127.0.0.1", "", "PORT is ''"),
        ("127.0.0.1", "http", "PORT is 'http'"),
        ("127.0.0.1", "0", "PORT is '0'"),
        ("127.0.0.1", "-1", "PORT is '-1'"),
        ("127.0.0.1", "65536", "PORT is '65536'"),
        ("127.0.0.1", "3000 3001", "PORT is '3000 3001'"),
        ("127.0.0.1", "٣٠٠٠٠٠", "PORT is"),
        ("nowhere.invalid", "3000", "HOST is 'nowhere.invalid'"),
        ("a" * 300, "3000", "HOST is 'aaa"),
        ("192.0.2.1", "3000", "HOST is 192.0.2.1"),
    ],
)
def test_what_is_no_place_to_listen_at_is_said(host: str, port: str, said: str) -> None:
    with pytest.raises(PortError, match=said) as raised:
        ensure_free(host, port)

    assert "\n" not in str(raised.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may listen anywhere")
def test_a_port_that_is_not_for_users_is_said() -> None:
    with pytest.raises(PortError, match="may not listen on port 80"):
        ensure_free("127.0.0.1", "80")


@pytest.mark.parametrize("target", ["demo", "serve"])
def test_make_finds_it_before_anything_is_installed(listener: socket.socket, target: str) -> None:
    port = str(listener.getsockname()[1])
    asked = ["make", target, f"PORT={port}", "VENV=/nowhere/venv", f"PYTHON3={sys.executable}"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})

    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ")]
    assert (done.returncode, len(said)) == (2, 1), done.stdout + done.stderr
    assert f"Port {port} is taken" in said[0]
    assert not done.stdout
