"""A proxy to a server whose connections a test can cut at any moment, in the middle of a message too."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset, and nothing that was still to be sent


class CuttableProxy:
    """Passes on everything that comes to `port` to the server's socket, until it is cut."""

    def __init__(self, listener: socket.socket, server: str) -> None:
        self._listener, self._server = listener, server
        self._open: list[socket.socket] = []
        self.port = listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """End every connection at once, on both sides."""
        connections, self._open = self._open, []
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # the test is over
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._server)
            except OSError:  # the server is down just now
                client.close()
                continue
            self._open += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy_to(url: str) -> Iterator[CuttableProxy]:
    """A proxy to the server of this URL, which must name a socket directory."""
    server = conninfo_to_dict(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = CuttableProxy(listener, f"{server['host']}/.s.PGSQL.{server.get('port', 5432)}")
        yield line
        line.cut()
