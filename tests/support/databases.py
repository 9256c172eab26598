"""Scratch databases: created, cloned, dumped and dropped with the URL of a superuser. Nothing here knows Django."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.support import citus

ATTEMPTS = 20
OWNER = "vital_test_owner"
OWNER_PASSWORD = "vital-test"


@dataclass(frozen=True)
class Scratch:
    """One scratch database: how its superuser and its plain owner reach it."""

    admin_url: str
    owner_url: str
    name: str


# --- making and dropping ---


def create_empty(server_url: str, prefix: str = "vital_test") -> Scratch:
    """A new database that belongs, with its schema public, to OWNER; on a cluster one on each node."""
    scratch = _scratch(server_url, prefix)
    for server in _servers(server_url):
        _ensure_owner(server)
        _run(
            server,
            sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(
                sql.Identifier(scratch.name), sql.Identifier(OWNER)
            ),
        )
    if citus.is_cluster(server_url):
        citus.connect(scratch.admin_url, scratch.name)
    _run(scratch.admin_url, sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(OWNER)))
    return scratch


def drop(scratch: Scratch) -> None:
    """Drop the database, connections and all, and the logins named after it (demo mode makes one); one that is gone
    already is no error."""
    server_url = _url(scratch.admin_url, dbname="postgres")
    for server in _servers(scratch.admin_url):
        _run(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(scratch.name)))
    for (login,) in rows(server_url, "SELECT rolname FROM pg_roles WHERE rolname LIKE %s", [f"%\\_{scratch.name}"]):
        drop_login(server_url, login)


def clone(template: Scratch) -> Scratch:
    """A copy of the database (not of what GRANT and ALTER DATABASE said about it); cuts connections to the template."""
    copy = _scratch(template.admin_url, template.name.rpartition("_")[0])
    statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
        sql.Identifier(copy.name), sql.Identifier(OWNER), sql.Identifier(template.name)
    )
    for server in _servers(template.admin_url):
        for _ in range(ATTEMPTS):  # a cluster's own processes come back to the template
            cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
            rows(server, cut, [template.name])
            with suppress(psycopg.errors.ObjectInUse):
                _run(server, statement)
                break
        else:
            raise RuntimeError(f"somebody keeps coming to {template.name}")
    return copy


def _servers(url: str) -> list[str]:
    """The servers that a database lies on: one, or each node of a Citus cluster, the workers first."""
    return citus.servers() if citus.is_cluster(url) else [_url(url, dbname="postgres")]


def clone_with_grants(template: Scratch) -> Scratch:
    """A clone with the grants on the database itself, which CREATE DATABASE does not copy and 006 changes."""
    copy = clone(template)
    grants = rows(
        template.admin_url,
        "SELECT pg_get_userbyid(acl.grantee), acl.privilege_type FROM pg_database AS d"
        " CROSS JOIN LATERAL aclexplode(d.datacl) AS acl WHERE d.datname = %s AND acl.grantee <> 0",
        [template.name],
    )
    with psycopg.connect(copy.admin_url, autocommit=True) as connection:
        database = sql.Identifier(copy.name)
        for role, privilege in grants:
            connection.execute(
                sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(privilege), database, sql.Identifier(role))
            )
    return copy


def build_legacy(server_url: str, pack: Path, *, rls: bool = True) -> Scratch:
    """The legacy database of the pack, owned by OWNER; rls=False leaves it without row security and policies."""
    scratch = create_empty(server_url, "vital_legacy")
    try:
        if (pack / "build_legacy.py").is_file():
            _build(scratch, pack / "build_legacy.py")
        else:
            from tests.support import sample_pack

            sample_pack.load(scratch, pack)
        if not rls:
            _remove_row_security(scratch.admin_url)
    except BaseException:
        drop(scratch)
        raise
    return scratch


def _build(scratch: Scratch, program: Path) -> None:
    """With the program that comes with the pack."""
    command = [sys.executable, str(program), scratch.admin_url, "--owner", OWNER]
    if not rows(scratch.admin_url, "SELECT 1 FROM pg_available_extensions WHERE name = 'uuid-ossp'"):
        command.append("--no-uuid-ossp")
    _output(command, {**os.environ, "PATH": _path_with_psql(), "PYTHONUTF8": "1", "PGCLIENTENCODING": "UTF8"})


# --- looking ---


def rows(url: str, query: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of one query in a connection of its own, committed; none for a statement that returns nothing."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode(), params or None)
        return cursor.fetchall() if cursor.description else []


def dump(url: str, *extra: str, schema: str = "public") -> str:
    """pg_dump of one schema (of all, where it is empty), DDL and data, so that equal databases give equal text. `extra`
    are more pg_dump options."""
    which = [f"--schema={schema}"] if schema else []
    command = [_pg_dump(url), f"--dbname={url}", *which, "--encoding=UTF8", *extra]
    return "\n".join(_normalised(_output(command)))


_NOISE = re.compile(  # what pg_dump says about itself and its session, never about the database
    r"-- Dumped (from database|by pg_dump) version .*"
    r"|\\(un)?restrict .*"
    r"|SELECT pg_catalog\.set_config\('search_path', '', false\);"
    r"|SET (statement_timeout|lock_timeout|idle_in_transaction_session_timeout|transaction_timeout|client_encoding"
    r"|standard_conforming_strings|check_function_bodies|xmloption|client_min_messages|row_security"
    r"|default_tablespace|default_table_access_method) = .*;"
)


def _normalised(text: str) -> Iterator[str]:
    """The dump's lines without noise, the rows of each COPY sorted (their physical order may differ)."""
    lines = iter(text.split("\n"))  # never splitlines(): data may hold other line separators
    for line in lines:
        if _NOISE.fullmatch(line):
            continue
        yield line
        if line.startswith("COPY ") and line.endswith(" FROM stdin;"):
            yield from sorted(iter(lines.__next__, r"\."))
            yield r"\."


_CAST = re.compile(r"\(ARRAY\[([^]]*)\]\)::text\[\]")


def as_restored(text: str) -> str:
    """PostgreSQL reads its own spelling of a cast array into another one, which then stays: they mean the same."""
    return _CAST.sub(lambda cast: f"ARRAY[{', '.join(f'({item})::text' for item in cast[1].split(', '))}]", text)


# --- programs ---


def _pg_dump(url: str) -> str:
    """A pg_dump that is not older than the server: the one in PATH, else the embedded client's."""
    server = int(rows(url, "SHOW server_version_num")[0][0]) // 10000
    tried = []
    for program in _pg_dumps():
        version = re.search(r"\) (\d+)", _output([program, "--version"]))
        tried.append(f"{program} {version and version[1]}")
        if version and int(version[1]) >= server:
            return program
    raise RuntimeError(f"no pg_dump for PostgreSQL {server}: {', '.join(tried) or 'none found'}")


def _pg_dumps() -> Iterator[str]:
    """The candidates; the embedded client is asked for only where PATH's will not do."""
    if program := shutil.which("pg_dump"):
        yield program
    yield str(_client_bin_dir() / "pg_dump")


def _path_with_psql() -> str:
    """PATH, with the embedded client's programs in front where there is no psql."""
    path = os.environ.get("PATH", os.defpath)
    return path if shutil.which("psql") else os.pathsep.join([str(_client_bin_dir()), path])


def _client_bin_dir() -> Path:
    """The embedded client's programs (imported late: most machines never need them)."""
    from vital.db.embedded import client_bin_dir

    return Path(client_bin_dir())


def _output(command: list[str], env: Mapping[str, str] | None = None) -> str:
    """What the program prints; its complaint, if it fails, in the error."""
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


# --- connections ---


def _run(url: str, statement: sql.Composed) -> None:
    """One statement in a connection of its own, outside a transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _ensure_owner(server_url: str) -> None:
    """OWNER as it must be; the lock is for test workers that start together."""
    name = sql.Identifier(OWNER)
    wanted = sql.SQL("LOGIN NOSUPERUSER NOBYPASSRLS CREATEROLE PASSWORD {}").format(sql.Literal(OWNER_PASSWORD))
    with psycopg.connect(server_url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [OWNER])
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone()
        verb = sql.SQL("ALTER" if known else "CREATE")
        connection.execute(sql.SQL("{} ROLE {} WITH {}").format(verb, name, wanted))


def _remove_row_security(url: str) -> None:
    """Switch row security off on every table of public, and drop the policies."""
    with psycopg.connect(url) as connection:
        for table, policy in connection.execute(
            "SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'public'"
        ).fetchall():
            names = (sql.Identifier(policy), sql.Identifier("public", table))
            connection.execute(sql.SQL("DROP POLICY {} ON {}").format(*names))
        for (table,) in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND rowsecurity"
        ).fetchall():
            name = sql.Identifier("public", table)
            connection.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(name))


def _scratch(server_url: str, prefix: str) -> Scratch:
    """The URLs of a database that does not exist yet, under a name nobody else has."""
    name = f"{prefix[:50]}_{uuid4().hex[:12]}"  # PostgreSQL cuts names after 63 bytes
    owner_url = _url(server_url, dbname=name, user=OWNER, password=OWNER_PASSWORD)
    return Scratch(_url(server_url, dbname=name), owner_url, name)


def _url(conninfo: str, **changes: str) -> str:
    """The connection, with changes, as a URL; a socket directory goes into its query."""
    parts = {name: str(value) for name, value in conninfo_to_dict(conninfo, **changes).items() if value is not None}
    user, password, dbname = (quote(parts.pop(name, ""), safe="") for name in ("user", "password", "dbname"))
    login = user + (f":{password}" if password else "")
    address = ""
    if not parts.get("host", "/").startswith("/") and "," not in parts["host"]:
        host = parts.pop("host")
        address = f"[{host}]" if ":" in host else host
        address += f":{parts.pop('port')}" if "port" in parts else ""
    query = urlencode(parts, quote_via=quote)
    return f"postgresql://{login}{'@' if login else ''}{address}/{dbname}{'?' if query else ''}{query}"


# --- logins ---


def login_url(url: str, user: str, password: str) -> str:
    """The same database for another login."""
    return _url(url, user=user, password=password)


def same_login(url: str, scratch: Scratch) -> str:
    """Another database for the same login."""
    return _url(url, dbname=scratch.name)


def drop_login(server_url: str, name: str) -> None:
    """Drop a login whose own database is gone: logins are the cluster's, and whoever closes a database meanwhile
    grants TEMPORARY in it to every login there is."""
    granted = rows(
        server_url,
        "SELECT d.datname FROM pg_database AS d CROSS JOIN LATERAL aclexplode(d.datacl) AS acl"
        " JOIN pg_roles AS r ON r.oid = acl.grantee WHERE r.rolname = %s",
        [name],
    )
    login = sql.Identifier(name)
    for (database,) in granted:
        # Another run of the tests may be dropping its database just now, the grant with it.
        with suppress(psycopg.errors.InternalError_, psycopg.errors.InvalidCatalogName):
            _run(server_url, sql.SQL("REVOKE ALL ON DATABASE {} FROM {}").format(sql.Identifier(database), login))
    _run(server_url, sql.SQL("DROP ROLE IF EXISTS {}").format(login))
