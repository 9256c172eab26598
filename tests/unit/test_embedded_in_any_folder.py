"""The embedded PostgreSQL works for every user and in every folder: private, very long, or without sockets."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests.support.embedded_processes import IS_ROOT, Process, is_free, mode, postmaster, query
from vital.db import embedded
from vital.db.embedded import EmbeddedError, client_bin_dir, ensure_running

as_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")


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
