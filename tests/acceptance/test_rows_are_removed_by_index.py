"""Where a tenant's rows are removed, a table that may refer to them and has no index is not read for each of them."""

from pathlib import Path

from tests.support import restores
from tests.support.cast import PHARMA, PLATFORM
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.queries import scalar
from tests.support.restores import MINE, WHY, BackedUp, owned

RECEIPTS, ADDED = 3_000, 200
ONCOLOGY = "0a0a0a0a-0000-4000-8000-00000000000b"
# Of the platform's own and not VITAL's: it refers to rows of everybody's, by columns without an index.
MADE = (
    "CREATE TABLE receipts (prompt uuid REFERENCES prompts, chunk uuid REFERENCES knowledge_base)",
    f"""INSERT INTO receipts
        SELECT (SELECT id FROM prompts WHERE tenant_id = '{PLATFORM}' LIMIT 1),
               (SELECT id FROM knowledge_base WHERE tenant_id = '{PLATFORM}' LIMIT 1)
        FROM generate_series(1, {RECEIPTS})""",
    "ALTER TABLE receipts OWNER TO vital_test_owner",
    "GRANT SELECT ON receipts TO vital_operator",
)
ADD = """
    INSERT INTO prompts (name, display_name, description, category, system_prompt, tenant_id)
    SELECT 'new ' || n, 'New', 'Added since', 'general', 'Hello.', %s FROM generate_series(1, %s) AS n
    RETURNING id
"""
READ = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relid = 'public.receipts'::regclass"
LEFT = "SELECT count(*) FROM pg_class WHERE starts_with(relname, 'vital_undo_')"


def rows_read(scratch: Scratch) -> int:
    return int(scalar(scratch, READ))


def test_by_a_restore_and_by_its_undo(backed_up: BackedUp, restorable: Scratch, manage: Manage) -> None:
    for statement in MADE:
        rows(restorable.admin_url, statement)
    rows(restorable.admin_url, ADD, [PHARMA, ADDED])
    rows(restorable.admin_url, f"DELETE FROM knowledge_base WHERE {MINE}")
    gone = len(owned(backed_up.database)["public.knowledge_base"])
    assert gone > 100
    damaged, read = owned(restorable), rows_read(restorable)

    done = restores.restore(restorable, manage, backed_up.file, "--delete-added", "--yes", *WHY)

    assert done["rows"]["public.prompts"]["delete"] == ADDED
    assert done["rows"]["public.knowledge_base"]["insert"] == gone
    assert owned(restorable) == owned(backed_up.database)
    assert rows_read(restorable) - read < 30 * RECEIPTS
    read = rows_read(restorable)

    restores.undo(restorable, manage, done["run"])

    assert owned(restorable) == damaged
    assert rows_read(restorable) - read < 30 * RECEIPTS
    assert scalar(restorable, LEFT) == 0


def test_by_a_removal(migrated: Scratch, manage: Manage, tmp_path: Path) -> None:
    for words in (("add", "oncology", "--id", ONCOLOGY, "--like", "pharma"), ("suspend", "oncology")):
        done = manage(migrated, "tenants", *words, "--yes", *WHY)
        assert done.returncode == 0, said(done)
    for statement in MADE:
        rows(migrated.admin_url, statement)
    rows(migrated.admin_url, ADD, [ONCOLOGY, ADDED])
    file = str(tmp_path / "oncology.zip")
    kept = document(manage(migrated, "tenants", "export", "oncology", file, "--json"))["rows"]
    read = rows_read(migrated)

    done = manage(migrated, "tenants", "remove", "oncology", file, "--confirm", f"oncology:{kept}", *WHY)

    assert done.returncode == 0, said(done)
    assert owned(migrated, ONCOLOGY)["public.prompts"] == []
    assert rows_read(migrated) - read < 30 * RECEIPTS
    assert scalar(migrated, LEFT) == 0
