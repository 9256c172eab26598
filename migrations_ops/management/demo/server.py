"""The service as a child of a command: started, told once to stop, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from typing import TextIO

from django.conf import settings

from migrations_ops.management.demo.lock import ENDS, belongs_to

PATIENCE = 10  # seconds for the server to stop by itself


def serving(port: str) -> list[str]:
    """The command line of the server, for this machine only."""
    return [sys.executable, "-m", "vital.serve", "--port", port, "--workers", "1", "--log-level", "warning"]


def until_stopped(command: list[str], environment: dict[str, str], lock: TextIO) -> int:
    """Serve until Ctrl-C or SIGTERM and return 0, or the server's own exit code where it ends by itself.

    It runs in a session of its own: the terminal's Ctrl-C reaches it once, from here, and with its workers.
    The lock is its own as well: where this process is killed, the service stays, and the lock says so.
    """
    process = subprocess.Popen(
        command, env=environment, cwd=settings.BASE_DIR, start_new_session=True, pass_fds=[lock.fileno()]
    )
    belongs_to(lock, process.pid)
    stopped: list[float] = []

    def stop(*_: object) -> None:
        stopped.append(time.monotonic())
        if len(stopped) == 1:
            process.terminate()

    for signum in ENDS:
        signal.signal(signum, stop)
    while (code := process.poll()) is None:
        time.sleep(0.1)
        if stopped and time.monotonic() - stopped[0] > PATIENCE:
            os.killpg(process.pid, signal.SIGKILL)
    return 0 if stopped else code
