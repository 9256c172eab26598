"""./manage.py in a process of its own, without the second that importing Django takes: forked from a process that has
imported what every call needs, and has read no setting.

Where the environment speaks to Python itself, and wherever a test kills or watches, a new Python is started instead.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT

MANAGE = str(ROOT / "manage.py")
NAMES = """
import django, pkgutil, sys
from importlib import import_module
django.setup()
import migrations_ops, tenants
for package in (migrations_ops, tenants):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not {"admin", "api", "migrations", "commands"} & set(module.name.split(".")):
            import_module(module.name)
print(*sys.modules)
"""
FOR_PYTHON = ("PYTHON", "LC_", "LANG")

# --- what a test calls ---


def run(
    arguments: tuple[str, ...], env: Mapping[str, str], cwd: Path, timeout: float
) -> "subprocess.CompletedProcess[str]":
    """As subprocess.run with captured output and no input. Raises subprocess.TimeoutExpired."""
    command = [sys.executable, MANAGE, *arguments]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err, Path(os.devnull).open() as nothing:
        if all(os.environ.get(name) == value for name, value in env.items() if name.startswith(FOR_PYTHON)):
            files = [stream.fileno() for stream in (nothing, out, err)]
            code = _forked({"argv": command[1:], "env": dict(env), "cwd": str(cwd)}, files, timeout)
        else:
            code = subprocess.run(
                command, env=env, cwd=cwd, stdin=nothing, stdout=out, stderr=err, timeout=timeout
            ).returncode
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, code, out.read(), err.read())


def _forked(request: dict[str, Any], files: list[int], timeout: float) -> int:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(_address())
        socket.send_fds(line, [b"!"], files)
        with line.makefile("rw") as talk:
            talk.write(json.dumps(request) + "\n")
            talk.flush()
            pid = int(talk.readline())
            line.settimeout(timeout)
            try:
                return int(talk.readline())
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(request["argv"], timeout) from None


@cache
def _address() -> str:
    """Where the process listens from which all are forked; it ends with the tests."""
    folder = tempfile.TemporaryDirectory(prefix="vital-nursery-")
    address = f"{folder.name}/line"
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, address], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    atexit.register(folder.cleanup)
    atexit.register(process.kill)
    assert process.stdout
    assert process.stdout.readline(), "the process that all are forked from has not started"
    return address


# --- the process that is forked ---


def _grow_up() -> None:
    """Import whatever the commands import and that wants no settings."""
    modules = subprocess.run([sys.executable, "-c", NAMES], capture_output=True, text=True, check=True).stdout.split()
    del os.environ["DJANGO_SETTINGS_MODULE"]  # what wants settings must fail here, not read those of this process
    for name in (name for name in modules if name != "vital.settings"):
        with contextlib.suppress(Exception):  # the fork itself imports it
            importlib.import_module(name)
    gc.freeze()  # what is here is everybody's: a fork that counted through it would copy it


def _serve(address: str) -> dict[str, Any]:
    """Fork for each request; returns in the process that is to carry it out."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen(16)
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever watched over a command needs no burial
        while True:
            if sys.stdin in select.select([door, sys.stdin], [], [])[0]:
                sys.exit()  # whoever asked is gone, even where it was killed
            line, _ = door.accept()
            if os.fork() == 0:
                break
            line.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(line, 1, 3)
    talk = line.makefile("rw")
    request: dict[str, Any] = json.loads(talk.readline())
    if child := os.fork():
        print(child, file=talk, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=talk, flush=True)
        os._exit(0)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    talk.close()
    line.close()
    return request


def _be(request: dict[str, Any]) -> None:
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = request["argv"]
    sys.path[0] = str(ROOT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert "vital.settings" not in sys.modules, "a setting was read before the call"
    runpy.run_path(MANAGE, run_name="__main__")


if __name__ == "__main__":
    _grow_up()
    _be(_serve(sys.argv[1]))
