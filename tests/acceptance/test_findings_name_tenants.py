"""What 005 finds names tenants as people do: by their slug, and with the id only where that would not be enough."""

import re

from tests.support.cast import PHARMA
from tests.support.command_results import Manage
from tests.support.databases import Scratch, rows

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOVED = f"""
    UPDATE knowledge_base SET tenant_id = '{PHARMA}'
    WHERE id = (SELECT id FROM knowledge_base WHERE tenant_id <> '{PHARMA}' AND source_id IS NULL ORDER BY id LIMIT 1)
"""


def test_tenants_are_named_by_their_slugs(migrated: Scratch, manage: Manage) -> None:
    rows(migrated.admin_url, MOVED)

    said = manage(migrated, "migrate_tenants", "validate").stdout

    assert re.search(r"is [a-z-]+'s and refers by \w+ to a row of [a-z-]+ in public\.\w+", said), said
    for line in said.splitlines():
        if "refers by" in line or "was assigned to" in line:
            assert not ID.search(line.partition(": ")[2]), line


def test_two_of_one_slug_are_told_apart(migrated: Scratch, manage: Manage) -> None:
    for (name,) in rows(
        migrated.admin_url,
        "SELECT conname FROM pg_constraint WHERE conrelid = 'tenants'::regclass AND contype = 'u'",
    ):
        rows(migrated.admin_url, f"ALTER TABLE tenants DROP CONSTRAINT {name}")
    for (name,) in rows(
        migrated.admin_url,
        "SELECT indexrelid::regclass::text FROM pg_index"
        " WHERE indrelid = 'tenants'::regclass AND indisunique AND NOT indisprimary",
    ):
        rows(migrated.admin_url, f"DROP INDEX {name}")
    rows(migrated.admin_url, "UPDATE tenants SET slug = 'the-same'")

    said = manage(migrated, "migrate_tenants", "validate").stdout

    assert re.search(rf"is the-same \({ID.pattern}\)'s and refers by", said), said
