"""The preview before a run names statements of applications that isolation will break."""

from typing import Any

from tests.support.admin_client import address, page_text, platform_admin
from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on
from vital.db import own_schema

HEADING = "Statements that isolation will break"
STATISTICS = """
CREATE VIEW public.pg_stat_statements AS
SELECT r.oid AS userid, d.oid AS dbid, s.query, 4::bigint AS calls
FROM (VALUES ('INSERT INTO tools (tool_key) VALUES ($1) ON CONFLICT (tool_key) DO NOTHING'), ('SELECT 1')) AS s (query)
JOIN pg_roles AS r ON r.rolname = current_user
JOIN pg_database AS d ON d.datname = current_database()
"""


def test_the_preview_names_statements_that_will_break(legacy: Scratch, django_db_blocker: Any) -> None:
    with django_on(legacy.owner_url, django_db_blocker):
        own_schema.bring_up_to_date()
        admin = platform_admin()
        without = page_text(admin, address("preview"))
        rows(legacy.owner_url, STATISTICS)

        shown = page_text(admin, address("preview"))

    assert HEADING not in without
    assert HEADING in shown
    assert (
        "tools: ON CONFLICT on (tool_key), which becomes unique in each tenant, will fail: INSERT INTO tools" in shown
    )
    assert "migrate_tenants impact" in shown
