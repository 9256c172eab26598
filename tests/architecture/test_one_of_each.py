"""What several rooms ask, or refuse, is written once: the reason of a change, the rights of a login."""

import re

from tests.architecture.test_every_query_is_used import queries
from tests.support.source import modules

OWN_ROLE = re.compile(r"rolname = (current_user|session_user)")


def test_one_error_says_that_a_reason_is_missing() -> None:
    said = [module.path for module in modules() if re.search(r"class \w*Reason\w*\((Engine)?Error\)", module.text)]
    assert said == ["vital/errors.py"]

    checks = [module.path for module in modules() if "if not reason.strip()" in module.text]
    assert [path for path in checks if path != "migrations_ops/runs/enqueue.py"] == ["vital/errors.py"], (
        "require_reason of vital/errors.py refuses an empty reason; in enqueue it means another thing"
    )


def test_one_query_asks_what_the_login_may() -> None:
    """Whether the current role is a superuser, the server says itself: current_setting('is_superuser')."""
    asking = [query.name for query in queries() if "rolsuper" in query.body and OWN_ROLE.search(query.body)]

    assert asking == ["login_privileges"]
