"""pg_hba.conf of a cluster's nodes: PostgreSQL reads it, and VITAL's roles, which have no password, stay outside."""

import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support import clusters, databases
from tests.support.paths import ROOT
from tests.support.ports import free_port

HBA = ROOT / "deploy" / "citus" / "pg_hba.conf"


def test_roles_without_a_password_are_let_in_from_the_nodes_alone(server_url: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="vital-hba-"))
    try:
        rules = Path(shutil.copy(HBA, folder))
        clusters.give(clusters.same_user(server_url), folder, rules)
        port = free_port()
        listens = f" -c listen_addresses=127.0.0.1 -c port={port} -c hba_file={rules}"
        with clusters.private(server_url, listens) as inside:
            inside = make_conninfo(inside, port=port)
            assert databases.rows(inside, "SELECT line_number, error FROM pg_hba_file_rules WHERE error <> ''") == []
            for role in ("vital_tenant", "vital_operator"):
                databases.rows(inside, f"CREATE ROLE {role} LOGIN PASSWORD 'known'")
                with pytest.raises(psycopg.OperationalError, match="rejects connection"):
                    psycopg.connect(host="127.0.0.1", port=port, user=role, password="known", dbname="postgres")
            databases.rows(inside, "CREATE ROLE somebody LOGIN PASSWORD 'known'")
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(host="127.0.0.1", port=port, user="somebody", password="guessed", dbname="postgres")
            psycopg.connect(host="127.0.0.1", port=port, user="somebody", password="known", dbname="postgres").close()
    finally:
        shutil.rmtree(folder)
