"""`python -m vital.serve`: the one way in which the service is started: by make, demo, containers and systemd alike.

A process that starts workers and ends with them, whoever tells it to end, and whether the workers were told as well.
"""

import argparse
import importlib
import os
import signal
import tempfile
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from vital.env import env_int, env_text

if TYPE_CHECKING:
    from vital.front import Front

APPLICATION = "vital.wsgi:application"
CONNECTIONS = 4096  # of a worker at once: a slow one costs memory, and no thread
LETS_FINISH, ENDS_WITHIN = 8, 9.5  # seconds: for requests in flight; for the service as a whole


class Server(Granian):  # type: ignore[misc]  # granian's types are not followed
    """Granian, which can miss the signal to end while it replaces a worker that had the same signal."""

    ending = False

    def signal_handler_interrupt(self, *_: object) -> None:
        if os.getpid() != self.pid or self.ending:  # a worker that has just been forked has this handler, too
            return
        self.ending = True
        super().signal_handler_interrupt()
        threading.Thread(target=self._insist, daemon=True).start()

    signal_handler_reload = signal_handler_interrupt  # SIGHUP: the terminal is closed

    def _insist(self) -> None:
        for _ in range(int(ENDS_WITHIN * 10)):
            self.main_loop_interrupt.set()
            time.sleep(0.1)
        for worker in self.wrks:
            worker.kill()
        os._exit(1)

    def shutdown(self, exit_code: int = 0) -> None:
        if self.ending:
            self.interrupt_children.clear()  # workers that had the signal, too, have not failed
        super().shutdown(exit_code)


def load(threads: int) -> "Front":
    """What a worker serves. Until granian listens to them, a signal that ends the service ends the worker at once."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the first process has it as well, and lets requests finish
    from django.conf import settings

    from vital.front import Front
    from vital.wsgi import application

    return Front(application, threads=threads, seconds=settings.READ_TIMEOUT, most=settings.MAX_BODY)


def load_once() -> None:
    """The application, before there are workers: it is refused once and not by each, and they share its memory."""
    importlib.import_module("vital.wsgi")
    from django.db import connections

    connections.close_all()  # a connection must not be two processes'


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="vital-service-") as folder:
        if not env_text("PROMETHEUS_MULTIPROC_DIR"):
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        os.environ.setdefault("VITAL_SHARED_COUNTS", f"{folder}/failed-logins")
        load_once()
        server = Server(
            APPLICATION, options.host, options.port, interface=Interfaces.RSGI, http=HTTPModes.http1, websockets=False,
            workers=options.workers, respawn_failed_workers=True, workers_kill_timeout=LETS_FINISH,
            backlog=CONNECTIONS, backpressure=CONNECTIONS, log_level=LogLevels(options.log_level),
            http1_settings=HTTP1Settings(header_read_timeout=env_int("VITAL_READ_TIMEOUT") * 1000),
        )  # fmt: skip
        server.serve(target_loader=partial(load, options.threads), wrap_loader=False)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vital.serve", description=__doc__, allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--threads", type=int, default=4, help="requests that a process works on at once")
    parser.add_argument("--log-level", default="info", choices=["info", "warning"], help="of the server itself")
    return parser.parse_args()


if __name__ == "__main__":
    main()
