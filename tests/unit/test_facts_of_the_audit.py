"""What an entry of the audit is about is said in words: nothing that is empty, no brackets, no word cut in two."""

from typing import Any

import pytest

from migrations_ops.admin.links import facts_of
from migrations_ops.models import AuditEvent

PHASES = ["000_pre_validation", "001_schema_fixes", "002_tenant_setup", "003_platform_data", "004_tenant_data"]


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({"run": 7, "scope": ""}, [("run", 7)]),
        ({"phases": PHASES[:2]}, ["phases 000_pre_validation, 001_schema_fixes"]),
        ({"rows": 0, "cut": False}, ["rows 0", "cut False"]),
        ({"filter": "", "list": "findings", "reason": None}, ["list findings"]),
    ],
)
def test_what_it_is_about(facts: dict[str, Any], shown: list[Any]) -> None:
    assert facts_of(AuditEvent(facts=facts)) == shown


def test_what_is_long_ends_with_an_ellipsis() -> None:
    (shown,) = facts_of(AuditEvent(facts={"phases": PHASES}))

    assert isinstance(shown, str)
    assert shown.startswith("phases 000_pre_validation, 001_schema_fixes")
    assert shown.endswith("…")
    assert len(shown) == len("phases ") + 80
