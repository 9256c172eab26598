"""Between granian and the WSGI application: no request takes a thread before it has arrived whole.

Granian's own WSGI reads a body inside the thread that answers, so that a few clients which send half of one hold every
thread of the service. Here an event loop waits for bodies, and threads only work.
"""

import asyncio
import io
import os
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from granian.rsgi import HTTPProtocol, ProtocolClosed, ProtocolError, Scope

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Any]  # by WSGI

INCOMPLETE = "vital.incomplete"  # in the environ of a request whose body did not arrive: LATE or CROWDED
LATE, CROWDED = "late", "crowded"
LENGTH = "CONTENT_LENGTH"
MOST_UNFINISHED = 64 * 1024 * 1024  # bytes of half-read bodies in a process, all together
WITHOUT_PREFIX = ("content-type", "content-length")  # CGI's names of all other headers begin with HTTP_
NO_TEXT = "\ufffd"  # stands for a value that is not UTF-8: no credential, no tenant, and yet not nothing
SERVER = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "VITAL",
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multiprocess": True,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}


class Front:
    """The application, as granian calls it by RSGI: a body must arrive within `seconds`, and has `most` bytes."""

    def __init__(self, application: Application, *, threads: int, seconds: float, most: int) -> None:
        self.application, self.seconds, self.most = application, seconds, most
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self.unfinished = 0

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        loop.call_soon(close_when_idle, self.seconds)  # granian listens once the loop runs

    async def __rsgi__(self, scope: Scope, proto: HTTPProtocol) -> None:
        environ = environ_of(scope)
        with suppress(ProtocolClosed, ProtocolError):  # the client has gone: nobody is there to be told
            environ["wsgi.input"] = io.BytesIO(await self._body(environ, proto))
            await self.loop.run_in_executor(self.pool, self._answer, environ, proto)

    async def _body(self, environ: Environ, proto: HTTPProtocol) -> bytes:
        """The body; nothing of one that is too long, as its length then tells the application."""
        length = environ.get(LENGTH)
        if length is None and "HTTP_TRANSFER_ENCODING" not in environ:
            return b""
        if length is not None and int(length) > self.most:
            return b""
        found = bytearray()
        try:
            async with asyncio.timeout(self.seconds):
                async for piece in proto:
                    found += piece
                    self.unfinished += len(piece)
                    if self.unfinished > MOST_UNFINISHED:
                        environ[INCOMPLETE] = CROWDED
                    if len(found) > self.most or INCOMPLETE in environ:
                        break
        except TimeoutError:
            environ[INCOMPLETE] = LATE
        finally:
            self.unfinished -= len(found)
        environ[LENGTH] = str(len(found))
        return bytes(found)

    def _answer(self, environ: Environ, proto: HTTPProtocol) -> None:
        """Call the application, in a thread, and hand over what it says."""
        started: list[tuple[int, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            started.append((int(status.partition(" ")[0]), headers))

        parts = self.application(environ, start)
        status, headers = started[-1]
        try:
            if getattr(parts, "streaming", False) and "content-length" not in {name.lower() for name, _ in headers}:
                stream = proto.response_stream(status, headers)
                for part in parts:
                    asyncio.run_coroutine_threadsafe(_send(stream, part), self.loop).result()
            else:
                proto.response_bytes(status, headers, b"".join(parts))
        finally:
            getattr(parts, "close", lambda: None)()


async def _send(stream: Any, part: bytes) -> None:
    await stream.send_bytes(part)


def environ_of(scope: Scope) -> Environ:
    """The request as CGI has it. A header whose name has an underscore is dropped: it passes for one with a dash."""
    host, _, port = scope.server.rpartition(":")
    environ = SERVER | {
        "PATH_INFO": _as_bytes(scope.path),
        "QUERY_STRING": _as_bytes(scope.query_string),
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "REQUEST_METHOD": scope.method,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "wsgi.url_scheme": scope.scheme,
    }
    for name, value in _headers(scope):
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        key = key if name in WITHOUT_PREFIX else f"HTTP_{key}"
        before, value = environ.get(key), _as_bytes(value)
        environ[key] = value if before is None else f"{before}{'; ' if name == 'cookie' else ','}{value}"
    return environ


def _as_bytes(text: str) -> str:
    """WSGI's text is bytes in the guise of Latin-1: Django reads it so, and any other character is an error to it."""
    return text.encode().decode("latin-1")


def _headers(scope: Scope) -> list[tuple[str, str]]:
    """Every header. Granian leaves out those whose value is not UTF-8, and a bad credential would count as none."""
    found: list[tuple[str, str]] = scope.headers.items()
    known = {name for name, _ in found}
    return found + [(name, NO_TEXT) for name in scope.headers.keys() if name not in known]  # noqa: SIM118


def close_when_idle(seconds: float) -> None:
    """Let the system close connections whose client reads nothing for so long: granian keeps their answers in memory.

    What is set on a listening socket holds for all that it accepts.
    """
    for opened in Path("/proc/self/fd").iterdir() if sys.platform == "linux" else ():
        with suppress(OSError), socket.socket(fileno=os.dup(int(opened.name))) as found:
            if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
