"""What no attack meets is in the catalogue: while something dangerous differs from the plan, nothing is proven."""

import pytest

from tests.support.command_results import Manage, document
from tests.support.databases import Scratch, rows

UNSEEN = {  # by attacks of planted rows
    "a default": "ALTER TABLE tools ALTER COLUMN tenant_id SET DEFAULT '00000000-0000-0000-0000-000000000001'",
    "a right to empty the table": "GRANT TRUNCATE ON knowledge_base TO vital_tenant",
    "a right of everybody's": "GRANT SELECT ON agents TO PUBLIC",
    "rights on VITAL's own tables": "GRANT SELECT ON vital.api_key TO vital_tenant",
    "a guard that passes only some": (
        "ALTER TABLE agent_tool_assignments ENABLE REPLICA TRIGGER vital_ref_agent_tool_assignments_agent_id_fkey"
    ),
}


@pytest.mark.parametrize("sabotage", UNSEEN)
def test_what_no_attack_meets_keeps_isolation_unproven(migrated: Scratch, manage: Manage, sabotage: str) -> None:
    rows(migrated.owner_url, UNSEEN[sabotage])

    done = manage(migrated, "prove_isolation", "--json")

    found = document(done)
    (dangerous,) = [one for one in found["differences"] if one["severity"] == "dangerous"]
    assert (done.returncode, found["holds"]) == (1, False)
    assert dangerous["wanted"] != dangerous["found"]
    assert dangerous["fix"]
