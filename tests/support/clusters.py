"""A separate PostgreSQL cluster for a test, made with the programs of the test server. Roles belong to a cluster, so
tests of roles and passwords cannot share one."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import cleanup_at_exit, databases

SUPERUSER, PASSWORD = "cluster_admin", "cluster-admin"
SETTINGS = "-c listen_addresses='' -c fsync=off -c unix_socket_directories={folder}"


class Cluster:
    """A server that a test may stop; `url` is its superuser's."""

    def __init__(self, programs: Path, folder: Path, as_server: dict[str, Any], settings: str = "") -> None:
        self.folder, self._programs, self._settings = folder, programs, settings
        self._options = as_server | {"cwd": "/", "env": os.environ | {"LC_ALL": "C.UTF-8"}}
        self.url = f"postgresql://{SUPERUSER}:{PASSWORD}@/postgres?host={quote(str(folder), safe='')}"

    def run(self, program: str, *arguments: str | Path) -> None:
        command = [self._programs / program, "-D", self.folder / "data", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._options)

    def start(self) -> None:
        settings = SETTINGS.format(folder=self.folder) + self._settings
        self.run("pg_ctl", "start", "-w", "-l", self.folder / "log", "-o", settings)

    def kill(self) -> None:
        """Like a crash: the next start recovers."""
        self.run("pg_ctl", "stop", "-m", "immediate")


@contextmanager
def private(server_url: str, settings: str = "") -> Iterator[str]:
    """The URL of the superuser of a new cluster of the test server's version, which asks everybody for a password;
    `settings` are more of the server's options."""
    with restartable(server_url, settings) as cluster:
        yield cluster.url


@contextmanager
def restartable(server_url: str, settings: str = "") -> Iterator[Cluster]:
    """Such a cluster, with its start and kill; a test that kills it starts it again."""
    programs, as_server = programs_of(server_url), same_user(server_url)
    folder = Path(tempfile.mkdtemp(prefix="vital-cluster-"))
    cleanup_at_exit.remove_at_exit(folder)
    password = folder / "password"
    password.write_text(PASSWORD)
    give(as_server, folder, password)
    cluster = Cluster(programs, folder, as_server, settings)
    try:
        cluster.run("initdb", "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", password, "--no-sync", "-E", "UTF8")
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.kill()
    finally:
        shutil.rmtree(folder)


@contextmanager
def replicated(server_url: str) -> Iterator[tuple[str, str]]:
    """A cluster and a streaming replica of it: the URLs of their superuser."""
    with restartable(server_url) as primary:
        as_server, folder = same_user(server_url), Path(tempfile.mkdtemp(prefix="vital-standby-"))
        cleanup_at_exit.remove_at_exit(folder)
        give(as_server, folder)
        standby = Cluster(programs_of(server_url), folder, as_server)
        try:
            standby.run("pg_basebackup", "-R", "-X", "stream", "--checkpoint=fast", "-d", primary.url)
            standby.start()
            try:
                yield primary.url, standby.url
            finally:
                standby.kill()
        finally:
            shutil.rmtree(folder)


def programs_of(server_url: str) -> Path:
    """The folder of the server's programs; skips the test where the server is on another machine."""
    if not has_programs(server_url):
        pytest.skip("the test server's programs are not on this machine")
    return _programs(server_url)


def has_programs(server_url: str) -> bool:
    """Whether the server is on this machine, and others can be made with its programs."""
    return (_programs(server_url) / "initdb").is_file()


def _programs(server_url: str) -> Path:
    return Path(databases.rows(server_url, "SELECT setting FROM pg_config WHERE name = 'BINDIR'")[0][0])


def same_user(server_url: str) -> dict[str, Any]:
    """subprocess arguments: as the user that runs the test server, for PostgreSQL refuses to run as root."""
    if os.geteuid():
        return {}
    owner = Path(databases.rows(server_url, "SHOW data_directory")[0][0]).stat()
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}


def give(user: dict[str, Any], *paths: Path) -> None:
    """Gives the files to that user."""
    for path in paths if user else ():
        os.chown(path, user["user"], user["group"])
