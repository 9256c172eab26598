"""A Citus cluster that CITUS_URL names, as a superuser of its coordinator in a database that knows the nodes.

Scratch databases on it lie on all of its nodes: with DATABASE_URL the same, any suite of tests runs on the cluster.
"""

import os
from functools import cache

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.plans import SHIPPED

URL = os.environ.get("CITUS_URL", "")
SHARDS = 8  # of a distributed table; the server's own 32 take four times as long to make
NODES = "SELECT nodename, nodeport, groupid = 0 FROM pg_dist_node ORDER BY groupid = 0, groupid"
PLACED = dict.fromkeys(("knowledge_base", "agent_tool_assignments", "prompts"), "distributed")
WHOSE = ("conversations", "messages")  # of which some rows have no tenant by the shipped rules


def needed() -> str:
    """The cluster's URL; the test is skipped where there is none."""
    if not URL:
        pytest.skip("needs a Citus cluster (CITUS_URL)")
    return URL


def is_cluster(url: str) -> bool:
    """Whether a database is one of the cluster's."""
    here, there = conninfo_to_dict(url), conninfo_to_dict(URL)
    return bool(URL) and all(here.get(part) == there.get(part) for part in ("host", "port"))


def one_server(why: str) -> pytest.MarkDecorator:
    """Skips a test where the suite itself runs on the cluster (DATABASE_URL), which cannot have what it is about."""
    return pytest.mark.skipif(is_cluster(os.environ.get("DATABASE_URL", "")), reason=f"of one server: {why}")


@cache
def nodes() -> list[tuple[str, int, bool]]:
    """(host, port, whether it is the coordinator) of each node, the workers first."""
    with psycopg.connect(URL, autocommit=True) as connection:
        return connection.execute(NODES).fetchall()


def servers() -> list[str]:
    """The database postgres of each node."""
    return [at(URL, host, port, "postgres") for host, port, _ in nodes()]


def workers(url: str) -> list[str]:
    """The same database on each worker, for the same login."""
    name = str(conninfo_to_dict(url)["dbname"])
    return [at(url, host, port, name) for host, port, is_coordinator in nodes() if not is_coordinator]


def at(url: str, host: str, port: int, dbname: str) -> str:
    return make_conninfo(url, host=host, port=port, dbname=dbname)


def connect(admin_url: str, name: str) -> None:
    """A new database of the nodes becomes one of a cluster."""
    for host, port, _ in nodes():
        with psycopg.connect(at(URL, host, port, name), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION citus")
    with psycopg.connect(admin_url, autocommit=True) as connection:
        shards = sql.SQL("ALTER DATABASE {} SET citus.shard_count = {}")
        connection.execute(shards.format(sql.Identifier(name), sql.Literal(SHARDS)))
        for host, port, is_coordinator in nodes():
            add = b"citus_set_coordinator_host" if is_coordinator else b"citus_add_node"
            connection.execute(b"SELECT %s(%%s, %%s)" % add, [host, port])
            if is_coordinator:
                connection.execute("SELECT citus_set_node_property(%s, %s, 'shouldhaveshards', false)", [host, port])


def introduce(admin_url: str, owner: str) -> None:
    """Where another database of the cluster has made VITAL's roles, only a superuser brings them to this one's nodes;
    they come with the owner who is a member of them, and he with a type of his."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("CREATE TYPE public.introduced AS ENUM ()")
        connection.execute(sql.SQL("ALTER TYPE public.introduced OWNER TO {}").format(sql.Identifier(owner)))
        connection.execute("DROP TYPE public.introduced")


def let_replicate(database: str) -> None:
    """Where the workers' server has a list of who may decode changes, Citus is on it in this database."""
    for host, port, _ in nodes():
        with psycopg.connect(at(URL, host, port, "postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_settings WHERE name = 'output_plugin_libraries'").fetchone():
                setting = "ALTER DATABASE {} SET output_plugin_libraries = pgoutput, citus"
                connection.execute(sql.SQL(setting).format(sql.Identifier(database)))


def plan() -> str:
    """The shipped plan with tables that are distributed, and a tenant for each row of those."""
    text = SHIPPED.read_text(encoding="utf-8")
    lines = dict.fromkeys(WHOSE, 'unmatched = "vital-platform"')
    lines |= {table: f'placement = "{how}"' for table, how in PLACED.items()}
    for table, line in lines.items():
        head = f'[[table]]\nname = "public.{table}"\n'
        assert head in text
        text = text.replace(head, f"{head}{line}\n")
    return text
