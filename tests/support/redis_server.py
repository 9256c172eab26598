"""A Redis server for a test, which can stop and start again."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis


class RedisServer:
    """`url` stays the same, running or stopped."""

    def __init__(self, program: str, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        self._command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/tmp"
        )
        while True:
            try:
                redis.from_url(self.url).ping()
                return
            except redis.ConnectionError:
                assert self._process.poll() is None, "redis-server ended at once"

    def stop(self) -> None:
        """Like a power cut: it keeps nothing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server on this machine")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = RedisServer(program, port)
    own.start()
    try:
        yield own
    finally:
        own.stop()
