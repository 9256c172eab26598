"""What `prove_isolation --sql` prints for Supabase's storage keeps each tenant's files in a folder of its id; an undo
waits until it is taken away again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import errors as pg

from tests.support import browsers, supabase
from tests.support.browsers import NORTH, PLATFORM, SOUTH, browser, claims
from tests.support.command_results import Done, Manage, said
from tests.support.databases import Scratch, rows

pytestmark = [pytest.mark.server, pytest.mark.slow]

DONE, FAILED = 0, 1
FILES = """
    CREATE POLICY "Files are seen" ON storage.objects TO anon, authenticated USING (true) WITH CHECK (true);
    INSERT INTO storage.objects (bucket_id, name)
    SELECT 'files', folder || '/plan.pdf' FROM unnest(ARRAY['{north}', '{south}', '{platform}', 'of nobody']) AS folder
"""
SEEN = "SELECT split_part(name, '/', 1) FROM storage.objects WHERE name LIKE '%/plan.pdf' ORDER BY 1"
ADDED = "INSERT INTO storage.objects (bucket_id, name) VALUES ('files', %s)"


@pytest.fixture(scope="module")
def project(server_url: str) -> Iterator[Scratch]:
    with supabase.project(server_url, old=False) as scratch:
        browsers.more_tables(scratch)
        rows(scratch.admin_url, "DELETE FROM storage.objects")
        rows(scratch.admin_url, FILES.format(north=NORTH, south=SOUTH, platform=PLATFORM))
        yield scratch


def test_files_are_seen_by_their_tenant(project: Scratch, manage: Manage, tmp_path: Path) -> None:
    environment = {"VITAL_PLAN": str(browsers.plan(tmp_path))}

    def call(*arguments: str) -> Done:
        return manage(project, *arguments, cwd=tmp_path, env=environment)

    done = call("migrate_tenants", "--yes")
    assert done.returncode == DONE, said(done)
    printed = [line for line in call("prove_isolation", "--sql").stdout.splitlines() if "storage.objects" in line]
    assert len(printed) == 8
    rows(project.admin_url, "".join(printed))

    for tenant in (NORTH, SOUTH):
        with browser(project, "authenticated", claims(tenant)) as one:
            assert {folder for (folder,) in one.does(SEEN)} == {tenant, PLATFORM}
            one.does(ADDED, [f"{tenant}/more.pdf"])
            for folder in (PLATFORM, "of nobody", SOUTH if tenant == NORTH else NORTH):
                with pytest.raises(pg.InsufficientPrivilege):
                    one.does(ADDED, [f"{folder}/more.pdf"])
            assert one.does("DELETE FROM storage.objects WHERE name LIKE %s RETURNING 1", [f"{PLATFORM}/%"]) == []
    with browser(project, "anon", claims(NORTH)) as one:
        assert one.does(SEEN) == [(PLATFORM,)]
    with browser(project, "authenticated", claims(user_metadata={"tenant_id": NORTH})) as one:
        assert one.does(SEEN) == [(PLATFORM,)]

    refused = call("migrate_tenants", "undo", "--yes")
    assert refused.returncode == FAILED
    assert "DROP POLICY vital_files_select_of_authenticated ON storage.objects" in " ".join(said(refused).split())
    for command in ("select", "insert", "update", "delete"):
        rows(project.admin_url, f"DROP POLICY vital_files_{command}_of_authenticated ON storage.objects")
    undone = call("migrate_tenants", "undo", "--yes")
    assert undone.returncode == DONE, said(undone)
