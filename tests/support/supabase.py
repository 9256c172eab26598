"""A Supabase-like database on a server of its own: its owner is no superuser, and half of the schemas are others'."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql

from tests.support import clusters, databases
from tests.support.databases import Scratch

HERE = Path(__file__).parent
PLAN = HERE / "supabase.toml"
PLAN_OF_SERVICES = HERE / "supabase_services.toml"
PASSWORD = "supabase"
DATABASE = "app"
NORTH = "0cf4bf3d-a479-5223-bc8f-ec6797deac19"
SERVICES = ("supabase_admin", "supabase_auth_admin", "supabase_storage_admin", "authenticator")
LOGINS = ("postgres", *SERVICES)
OTHERS = ("auth", "storage", "realtime", "_realtime", "extensions", "vault")
# What projects of some years ago have more: memberships, grants to pass on, and public in the hands of postgres itself.
OLD_ROLES = "GRANT supabase_auth_admin, supabase_storage_admin, pg_read_all_data TO postgres"
OLD_GRANTS = """
    ALTER SCHEMA public OWNER TO postgres;
    GRANT ALL ON ALL TABLES IN SCHEMA auth TO postgres WITH GRANT OPTION;
    GRANT ALL ON ALL FUNCTIONS IN SCHEMA auth TO postgres WITH GRANT OPTION
"""
NEW_GRANTS = "GRANT SELECT, REFERENCES, TRIGGER ON auth.users TO postgres"
SHARED = """
    SELECT setting, current_setting('server_version_num')::integer FROM pg_config WHERE name = 'SHAREDIR'
"""
SIGN_UP = (
    "INSERT INTO auth.users (email, raw_user_meta_data) VALUES (%s, jsonb_build_object('org', %s::text)) RETURNING id"
)


@contextmanager
def new_project(server_url: str, *, old: bool) -> Iterator[Scratch]:
    """A project before its owner makes anything; `admin_url` is supabase_admin's, `owner_url` postgres's."""
    with (
        _lets_postgres_make(server_url, "vector") as path,
        clusters.private(server_url, f" -c wal_level=logical{path}") as root,
    ):
        _run(root, _text("supabase_roles.sql"))
        for role in LOGINS:
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(PASSWORD))
            _run(root, statement.as_string())
        if old:
            _run(root, OLD_ROLES)
        _run(root, f"CREATE DATABASE {DATABASE} OWNER postgres")
        admin, owner = (_login(root, role) for role in ("supabase_admin", "postgres"))
        _run(admin, _text("supabase.sql"))
        _run(admin, OLD_GRANTS if old else NEW_GRANTS)
        yield Scratch(admin, owner, DATABASE)


@contextmanager
def project(server_url: str, *, old: bool) -> Iterator[Scratch]:
    """A project with a platform in it."""
    with new_project(server_url, old=old) as scratch:
        owner = scratch.owner_url
        run(owner, "supabase_platform.sql")
        for number in range(6):
            sign_up(scratch, f"person{number}@example.com", "north" if number % 2 else "south")
        _run(owner, "INSERT INTO notes (user_id, title) SELECT id, 'note ' || n FROM users, generate_series(1, 5) AS n")
        _run(owner, "REFRESH MATERIALIZED VIEW notes_of_orgs")
        yield scratch


@contextmanager
def _lets_postgres_make(server_url: str, extension: str) -> Iterator[str]:
    """The server's option by which an extension is trusted, as Supabase's are; before PostgreSQL 18 there is none."""
    ((shared, version),) = databases.rows(server_url, SHARED)
    files = list(Path(shared, "extension").glob(f"{extension}[.-]*")) if version >= 180000 else []
    with tempfile.TemporaryDirectory(prefix="vital-extension-") as folder:
        copies = Path(folder, "extension")
        copies.mkdir()
        for file in files:
            shutil.copy(file, copies)
            if file.suffix == ".control":
                (copies / file.name).write_text(file.read_text() + "trusted = true\n")
        clusters.give(clusters.same_user(server_url), Path(folder), copies, *copies.iterdir())
        yield f" -c extension_control_path='{folder}:$system'" if files else ""


def sign_up(scratch: Scratch, email: str, organisation: str) -> str:
    """As Supabase's own service does it: as supabase_auth_admin, which knows nothing of public; the person's id."""
    ((identity,),) = databases.rows(login(scratch, "supabase_auth_admin"), SIGN_UP, [email, organisation])
    return str(identity)


def login(scratch: Scratch, role: str) -> str:
    """The project's database for one of the logins that Supabase's services have."""
    return _login(scratch.admin_url, role)


@contextmanager
def as_api(
    scratch: Scratch, role: str, claims: Mapping[str, object], *, by: str = "authenticator"
) -> Iterator[Connection[Any]]:
    """A transaction as PostgREST's: the login becomes the role of the token, whose claims are a setting; storage's
    service goes the same way."""
    with psycopg.connect(login(scratch, by)) as connection:
        connection.execute("SELECT set_config('role', %s, true)", [role])
        connection.execute("SELECT set_config('request.jwt.claims', %s, true)", [json.dumps({**claims, "role": role})])
        yield connection


def _login(url: str, role: str) -> str:
    return databases.login_url(databases.same_login(url, Scratch("", "", DATABASE)), role, PASSWORD)


def run(url: str, file: str) -> None:
    """One of the scripts beside this module."""
    _run(url, _text(file))


def _text(file: str) -> str:
    return (HERE / file).read_text(encoding="utf-8")


def _run(url: str, script: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script.encode())
