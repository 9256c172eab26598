"""Whether a service may listen where it is told to. `make` asks before anything else, so this wants no package:
`python3 -m vital.port HOST PORT` says in one line what is in the way, and ends with exit code 2.
"""

import errno
import socket
import sys
from typing import Any

LAST_PORT = 65535
ANOTHER_HOST = "Usual are 127.0.0.1 and 0.0.0.0."


class PortError(Exception):
    """The service cannot listen there; the message says why and what to do next."""

    exit_code = 2


def ensure_free(host: str, port: str) -> None:
    """Nobody listens on this port of this host, and we may. Raises PortError.

    The server shares its port with servers of its own kind: two would answer in turns, without a word.
    """
    if not (port.isdecimal() and 0 < int(port) <= LAST_PORT):
        raise PortError(f"PORT is {port!r}. A port is a number from 1 to {LAST_PORT}: PORT=3001.")
    try:
        places = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise PortError(f"HOST is {host!r}, no address of this machine ({error}). {ANOTHER_HOST}") from error
    for family, kind, _, _, address in places:
        if problem := _problem(family, kind, address):
            raise PortError(problem)


def _problem(family: int, kind: int, address: Any) -> str:
    host, port = address[:2]
    with socket.socket(family, kind) as probe:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):  # as the server itself: what has just ended is no bar
            probe.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EACCES:
                return f"This user may not listen on port {port}. Choose one from 1024 on: PORT=3001."
            if error.errno == errno.EADDRINUSE:
                return _taken(int(port))
            if family == socket.AF_INET6 and error.errno == errno.EADDRNOTAVAIL:
                return ""  # a machine may have this kind of address switched off
            return f"HOST is {host}, where this machine cannot listen ({error.strerror}). {ANOTHER_HOST}"
    with socket.socket(family, kind) as probe:  # a server of its kind would let it have a part of the calls
        probe.settimeout(1)
        return "" if probe.connect_ex(address) == errno.ECONNREFUSED else _taken(int(port))


def _taken(port: int) -> str:
    another = port + 1 if port < LAST_PORT else 3000
    return f"Port {port} is taken: another program listens there. Stop it, or choose another port: PORT={another}."


if __name__ == "__main__":
    try:
        ensure_free(*sys.argv[1:3])
    except PortError as problem:
        print("error:", problem, file=sys.stderr)
        sys.exit(PortError.exit_code)
