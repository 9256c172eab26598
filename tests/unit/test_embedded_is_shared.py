"""Several processes share the embedded PostgreSQL: the first starts it, the last stops it."""

import signal
from pathlib import Path

from tests.support.embedded_processes import Process, is_free, postmaster, query
from vital.db import embedded
from vital.db.embedded import ensure_running


def test_last_process_stops_the_server(folder: Path) -> None:
    home = folder / ".vital"
    first = Process(home)
    url = first.line()
    second = Process(home)
    assert second.line() == url
    pid = postmaster(home)
    assert first.quit() == 0
    assert postmaster(home) == pid
    assert query(url, "SELECT 1") == [(1,)]
    assert second.quit() == 0
    assert is_free(home)
    assert not (home / "data" / "postmaster.pid").exists()


FORK_SCRIPT = """
import multiprocessing, os, subprocess, sys
from pathlib import Path
from vital.db.embedded import ensure_running
home = Path(sys.argv[1])
ensure_running(home, durable=False)
if os.fork() == 0:
    sys.exit()  # runs the exit handlers
if os.fork() == 0:
    ensure_running(home)
    sys.exit()
worker = multiprocessing.get_context("fork").Process(target=ensure_running, args=[home])
worker.start()
worker.join()
subprocess.run([sys.executable, "-c", "pass"])
print([os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(2)] + [worker.exitcode], flush=True)
sys.stdin.readline()
if os.fork() == 0:
    os.execlp("sleep", "sleep", "5")  # must not inherit the hold
"""


def test_children_neither_stop_the_server_nor_end_the_hold(home: Path) -> None:
    parent = Process(home, FORK_SCRIPT)
    assert parent.line() == "[0, 0, 0]"
    pid = postmaster(home)
    other = Process(home)
    url = other.line()
    assert other.quit() == 0
    assert postmaster(home) == pid
    assert query(url, "SELECT 1") == [(1,)]
    assert parent.popen.stdin
    parent.popen.stdin.write("\n")
    parent.popen.stdin.flush()
    parent.popen.wait(timeout=30)
    assert is_free(home)
    parent.kill()


def test_simultaneous_first_starts(folder: Path) -> None:
    home = folder / ".vital"
    processes = [Process(home) for _ in range(4)]
    assert len({process.line() for process in processes} - {""}) == 1
    assert [process.quit() for process in processes] == [0] * 4
    assert is_free(home)


def test_simultaneous_ends_and_starts(home: Path) -> None:
    """A server that is just being stopped by its last user is started again for the next."""
    old = Process(home)
    url = old.line()
    for _ in range(4):
        assert old.popen.stdin
        old.popen.stdin.write("\n")
        old.popen.stdin.flush()
        new = Process(home)
        assert new.line() == url
        assert query(url, "SELECT 1") == [(1,)]
        old.kill(0)
        assert old.popen.returncode == 0
        old = new
    old.quit()


def test_join_while_somebody_else_stops_the_server(home: Path) -> None:
    server = ensure_running(home, durable=False)
    user = embedded._holds[home].place.user
    for way in ("fast", "immediate"):
        embedded._run(user, server.bin_dir / "pg_ctl", "stop", "-D", home / "data", "-m", way, "-W")
        assert query(ensure_running(home, durable=False).owner_url, "SELECT 1") == [(1,)]


def test_interrupt_from_the_terminal_leaves_the_server_alone(home: Path) -> None:
    starter = Process(home)
    starter.line()
    server = ensure_running(home)
    pid = postmaster(home)
    starter.kill(signal.SIGINT)
    assert query(server.owner_url, "SELECT 1") == [(1,)]
    assert postmaster(home) == pid
