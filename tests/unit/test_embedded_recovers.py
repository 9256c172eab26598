"""The embedded PostgreSQL starts again after crashes, kills and damaged files, or says why it cannot."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from tests.support import patience
from tests.support.embedded_processes import Process, is_free, postmaster, query, wait_until
from vital.db import embedded
from vital.db.embedded import EmbeddedError, ensure_running

pytestmark = pytest.mark.slow


def is_running(home: Path) -> bool:
    """Whether somebody has written a pid; the file is there an instant before its text is."""
    file = home / "data" / "postmaster.pid"
    return file.exists() and bool(file.read_text())


def test_killed_python_leaves_a_server_to_join(home: Path) -> None:
    process = Process(home)
    query(process.line(), "CREATE TABLE t (x int)")
    pid = postmaster(home)
    process.kill()
    assert query(ensure_running(home).owner_url, "SELECT * FROM t") == []
    assert postmaster(home) == pid
    embedded._release(home)
    assert is_free(home)


def test_killed_postmaster_starts_again_with_its_data(home: Path) -> None:
    """In the process that started it (its dead child is a zombie, the pid still taken) as in another one."""
    query(ensure_running(home).owner_url, "CREATE TABLE t AS SELECT 1 AS x")
    for _ in range(2):
        os.kill(postmaster(home), signal.SIGKILL)
        other = Process(home)
        assert query(other.line(), "SELECT x FROM t") == [(1,)]
        assert query(ensure_running(home).owner_url, "SELECT x FROM t") == [(1,)]
        other.quit()
    os.kill(postmaster(home), signal.SIGKILL)
    assert query(ensure_running(home).owner_url, "SELECT x FROM t") == [(1,)]
    os.kill(postmaster(home), signal.SIGKILL)
    started = time.monotonic()
    embedded._release(home)
    assert time.monotonic() - started < patience.seconds(2)
    ensure_running(home)  # gives the shared memory back


@pytest.mark.parametrize("content", ["foreign", "ours", "", "nonsense\n"])
def test_stale_pid_file(home: Path, content: str) -> None:
    """PostgreSQL itself refuses to start where the pid belongs to any process of its own system user."""
    query(ensure_running(home, durable=False).owner_url, "CREATE TABLE t AS SELECT 1 AS x")
    place = embedded._holds[home].place
    running = (home / "data" / "postmaster.pid").read_text()
    embedded._release(home)
    with subprocess.Popen(["sleep", "60"], **embedded._options(place.user)) as stranger:
        if content == "foreign":
            content = running.replace(running.split()[0], str(stranger.pid), 1)
        elif content == "ours":
            content = running.replace(running.split()[0], str(os.getpid()), 1)
        (home / "data" / "postmaster.pid").write_text(content)
        (home / "run" / ".s.PGSQL.5432.lock").write_text(content)
        assert query(ensure_running(home, durable=False).owner_url, "SELECT x FROM t") == [(1,)]
        os.kill(postmaster(home), signal.SIGKILL)
        wait_until(lambda: is_free(home))
        (home / "data" / "postmaster.pid").write_text(content)
        embedded._release(home)
        assert stranger.poll() is None  # pg_ctl stop would have interrupted it
        stranger.kill()
    ensure_running(home)  # gives the shared memory back


def test_server_started_by_hand_is_recognised(home: Path) -> None:
    ensure_running(home, durable=False)
    place = embedded._holds[home].place
    embedded._release(home)
    bin_dir = embedded._server_bin(place.user)
    options = embedded._options(place.user) | {"cwd": home}
    with subprocess.Popen(
        [bin_dir / "postgres", "-D", "data", "-k", home / "run", "-h", ""], stderr=subprocess.DEVNULL, **options
    ) as by_hand:
        wait_until(lambda: is_running(home))
        assert query(ensure_running(home).owner_url, "SELECT 1") == [(1,)]
        assert postmaster(home) == by_hand.pid
        embedded._release(home)
        assert by_hand.wait(10) == 0


def test_interrupted_first_start(folder: Path) -> None:
    home = folder / ".vital"
    for delay in (0.3, 0.4, 0.5, 0.55, 0.6, 0.7, 0.9):
        process = Process(home)
        time.sleep(delay)
        process.kill()
    server = ensure_running(home, durable=False)
    assert query(server.owner_url, "SELECT current_user::text") == [("vital_owner",)]
    wait_until(lambda: bool(ensure_running(home)) and not list(home.glob("init-*")))


def test_missing_role_and_database_are_made_again(home: Path) -> None:
    server = ensure_running(home, durable=False)
    admin = server.superuser_url.replace("/vital?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("DROP DATABASE vital")
    ensure_running(server.home)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("DROP DATABASE vital")
    with psycopg.connect(admin.replace("/postgres?", "/template1?")) as connection:
        connection.execute("ALTER SCHEMA public OWNER TO pg_database_owner")
        connection.execute("DROP ROLE vital_owner")
    ensure_running(server.home)
    query(server.owner_url, "CREATE TABLE public.t ()")


def test_failed_start_shows_the_log(home: Path) -> None:
    ensure_running(home, durable=False)
    embedded._release(home)
    with (home / "data" / "postgresql.conf").open("a") as file:
        file.write("nonsense_setting = 1\n")
    with pytest.raises(EmbeddedError, match="nonsense_setting"):
        ensure_running(home)


def test_damaged_or_missing_credentials(home: Path) -> None:
    ensure_running(home, durable=False)
    path = home / "credentials.json"
    good = path.read_text()
    path.write_text('{"vital_admin": ')
    with pytest.raises(EmbeddedError, match="damaged"):
        ensure_running(home)
    path.write_text(good.replace('"vital_admin": "', '"vital_admin": "x'))
    with pytest.raises(EmbeddedError, match="password authentication failed"):
        ensure_running(home)
    path.unlink()
    with pytest.raises(EmbeddedError, match="is gone"):
        ensure_running(home)
