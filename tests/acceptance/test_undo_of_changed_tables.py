"""What others do to whole tables while VITAL's changes stand, or while they are undone: one table holds up no other."""

from tests.conftest import Manage
from tests.support import databases, looking
from tests.support.databases import Scratch
from tests.support.looking import document, said

LEFT = """
    SELECT 'entry ' || id FROM vital.ledger WHERE undone_at IS NULL
    UNION ALL SELECT statement FROM vital.applied_statement
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'vital'::regnamespace AND proname ~ '^late_writer'
"""


def test_a_table_that_is_dropped_holds_up_no_other(migrated: Scratch, legacy_template: Scratch, manage: Manage) -> None:
    lost = len(looking.standing(migrated, "messages"))
    looking.write(migrated, "DROP TABLE messages")

    undone = manage(migrated, "migrate_tenants", "undo", "--yes", "--json")

    assert undone.returncode == 0, said(undone)
    assert document(undone)["gone"] == {"messages": lost}
    assert databases.rows(migrated.admin_url, LEFT) == []
    for table in (name for name in looking.TABLES if name != "messages"):
        columns = looking.columns(legacy_template, table)
        assert looking.columns(migrated, table) == columns
        assert looking.content(migrated, table, columns) == looking.content(legacy_template, table, columns)
