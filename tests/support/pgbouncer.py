"""A pgbouncer in transaction mode in front of the test server."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support import patience
from tests.support.clusters import give, same_user
from tests.support.databases import OWNER, OWNER_PASSWORD, Scratch
from tests.support.ports import free_port

SETTINGS = """
[databases]
* = host={host} port={port}{as_user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
logfile = {folder}/log
pool_mode = transaction
server_round_robin = {round_robin}
default_pool_size = {pool_size}
"""


@contextmanager
def transaction_mode(
    server_url: str,
    scratch: Scratch,
    *,
    round_robin: bool,
    login_url: str = "",
    pool_size: int = 20,
    known_as: str = "",
) -> Iterator[str]:
    """The login's URL (the owner's, where none is given) of the database through the pooler, which hands out its
    processes in turn, or the last one first. It may be `known_as` something else to the pooler."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("no pgbouncer on this machine: apt-get install pgbouncer")
    server, user = conninfo_to_dict(scratch.admin_url), same_user(server_url)
    listen = free_port()
    folder = Path(tempfile.mkdtemp(prefix="vital-pooler-"))
    address = {"host": server["host"], "port": server.get("port", 5432)}
    login = conninfo_to_dict(login_url) if login_url else {"user": OWNER, "password": OWNER_PASSWORD}
    name = known_as or login["user"]
    as_user = f" user={login['user']} password={login.get('password', '')}" if known_as else ""
    pool = {"as_user": as_user, "round_robin": int(round_robin), "pool_size": pool_size}
    settings = SETTINGS.format(**address, **pool, listen=listen, folder=folder)
    (folder / "settings").write_text(settings)
    (folder / "users").write_text(f'"{name}" "{login.get("password", "")}"\n')
    give(user, folder, *folder.iterdir())
    url = f"postgresql://{name}@127.0.0.1:{listen}/{scratch.name}"
    process = subprocess.Popen([program, "-q", folder / "settings"], cwd="/", stderr=subprocess.DEVNULL, **user)
    try:
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + patience.seconds(10)
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
