"""Two ways to the service: over the network, and in this process."""

import http.client
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

TIMEOUT = 30


@dataclass(frozen=True)
class Response:
    status: int
    text: str


class Caller(Protocol):
    """Sends exactly what it is given. `host` is the name under which the caller believes to know the service."""

    def call(
        self, method: str, path: str, headers: Mapping[str, str], body: object = None, host: str = ""
    ) -> Response: ...


class HttpCaller:
    """A live service. Raises OSError or http.client.HTTPException where it does not answer."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a service: http://HOST:PORT or https://HOST")
        self.secure, self.host, self.port = parts.scheme == "https", parts.hostname, parts.port
        self.base = parts.path.rstrip("/")

    def call(self, method: str, path: str, headers: Mapping[str, str], body: object = None, host: str = "") -> Response:
        connect = http.client.HTTPSConnection if self.secure else http.client.HTTPConnection
        connection = connect(self.host, self.port, timeout=TIMEOUT)
        sent = dict(headers) | ({"Host": host} if host else {})
        content = None if body is None else json.dumps(body)
        try:
            connection.request(method, self.base + path, content, sent | {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return Response(answer.status, answer.read().decode(errors="replace"))
        finally:
            connection.close()


Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WsgiCaller:
    """The service as a WSGI application in this process: everything that a request passes, but no server."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def call(self, method: str, path: str, headers: Mapping[str, str], body: object = None, host: str = "") -> Response:
        content = b"" if body is None else json.dumps(body).encode()
        where, _, question = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": where, "QUERY_STRING": question,
            "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": host or "localhost",
            "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(content)),
            "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(content),
            "wsgi.errors": io.StringIO(), "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
        }  # fmt: skip
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        started: list[str] = []

        def start_response(status: str, response_headers: object, exc_info: object = None) -> Callable[[bytes], None]:
            started.append(status)
            return lambda _: None

        chunks = self.application(environ, start_response)
        try:
            text = b"".join(chunks).decode(errors="replace")
        finally:
            close = getattr(chunks, "close", None)
            if close:
                close()
        return Response(int(started[-1].split()[0]), text)
