"""A server that claims an older PostgreSQL version: a proxy that changes the version in the greeting."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict

from tests.support.databases import OWNER, OWNER_PASSWORD, Scratch

VERSION = b"server_version\0"


@contextmanager
def server_of_version(version: str, scratch: Scratch) -> Iterator[str]:
    """The owner's URL of the database, on a server that claims this version."""
    server = conninfo_to_dict(scratch.admin_url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = (listener, str(server["host"]), int(str(server.get("port", 5432))), version.encode())
        threading.Thread(target=_serve, args=arguments, daemon=True).start()
        port = listener.getsockname()[1]
        yield f"postgresql://{OWNER}:{OWNER_PASSWORD}@127.0.0.1:{port}/{scratch.name}?sslmode=disable&gssencmode=disable"


def _serve(listener: socket.socket, host: str, port: int, version: bytes) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # the test is over
            return
        server = _connect(host, port)
        threading.Thread(target=_pump, args=(client, server), daemon=True).start()
        threading.Thread(target=_greet, args=(server, client, version), daemon=True).start()


def _connect(host: str, port: int) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.{port}")
    return server


def _greet(server: socket.socket, client: socket.socket, version: bytes) -> None:
    """Pass the server's messages on, one by one, until it has said its version; then whatever comes."""
    reader = server.makefile("rb", buffering=0)
    while head := reader.read(5):
        body = b""
        wanted = struct.unpack("!I", head[1:])[0] - 4
        while len(body) < wanted:
            body += reader.read(wanted - len(body)) or b""
        told = head[:1] == b"S" and body.startswith(VERSION)
        if told:
            body = VERSION + version + b"\0"
        client.sendall(head[:1] + struct.pack("!I", len(body) + 4) + body)
        if told:
            break
    _pump(server, client)


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        end.close()
