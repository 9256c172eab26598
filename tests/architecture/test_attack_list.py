"""The known ways in which isolation breaks, and for each the tests that try it here; or why there is nothing to try.

Whoever renames or removes such a test is told which attack would go untried.
"""

import ast

import pytest

from tests.support.paths import ROOT

WHICH, KEYS, OVER = "api/test_which_tenant", "api/test_api_keys", "api/test_isolation_over_http"
FRESH, ERRORS, START = "api/test_freshness_and_etags", "api/test_errors_and_limits", "api/test_refuses_to_start"
SCOPES, PROVE, ROLE = "integration/test_scopes", "integration/test_prove_isolation", "acceptance/test_restricted_role"

ATTACKS: dict[str, tuple[str, ...]] = {
    "a header trusted without membership": (
        f"{WHICH}::test_the_first_that_says_something_chooses_among_the_allowed",
        f"{KEYS}::test_a_key_is_for_its_tenant_alone",
    ),
    "header, token, subdomain and cookie disagree": (
        f"{WHICH}::test_the_first_that_says_something_chooses_among_the_allowed",
    ),
    "no, empty, garbage, duplicate, oversized or odd tenant ids": (
        f"{WHICH}::test_a_malformed_header_is_a_bad_request", f"{WHICH}::test_a_header_given_twice_is_never_a_choice",
        f"{WHICH}::test_an_empty_header_is_none", f"{WHICH}::test_a_header_beyond_all_bounds_is_refused",
    ),
    "403 or 404 tells whether a row is there": (
        f"{OVER}::test_anothers_row_and_no_row_are_answered_alike",
        f"{WHICH}::test_unknown_inactive_and_not_allowed_look_the_same",
    ),
    "a suspended tenant or an ended key is served from memory": (
        f"{FRESH}::test_a_suspended_tenant_is_out_and_comes_back",
        f"{KEYS}::test_a_key_that_has_ended_is_refused_within_a_second",
    ),
    "the tenant is kept after the request": (
        f"{SCOPES}::test_nor_after_an_error", f"{OVER}::test_a_crowd_of_two_tenants_sees_no_wrong_row",
    ),
    "session settings behind a transaction pooler": (f"{OVER}::test_one_connection_for_all_leaks_nothing",),
    "session settings on a connection that is kept": (f"{SCOPES}::test_nothing_of_it_is_left_on_the_connection",),
    "an empty setting is taken for every tenant": (
        f"{SCOPES}::test_no_tenant_sees_the_platforms_rows_only",
        f"{SCOPES}::test_the_next_tenant_on_the_connection_is_itself",
    ),
    "the login is superuser, BYPASSRLS or owner": (
        f"{START}::test_a_login_that_may_do_more_is_refused", f"{START}::test_the_tables_owner_is_refused",
    ),
    "tests in which row level security is never on": (
        f"{PROVE}::test_a_policy_that_is_gone_or_open_is_noticed_on_every_table",
        f"{ROLE}::test_the_owner_is_no_superuser_and_bypasses_nothing",
    ),
    "tests whose transactions never commit": (f"{SCOPES}::test_nothing_of_it_is_left_on_the_connection",),
    "a new table without a policy": (f"{START}::test_a_table_without_its_fence_is_refused",),
    "policies are OR-ed, and the Platform's opens writing": (f"{OVER}::test_the_platforms_rows_are_for_reading",),
    "a row is moved to another tenant": (
        f"{ROLE}::test_no_row_can_be_given_away", f"{PROVE}::test_a_policy_that_lets_rows_be_given_away_is_noticed",
    ),
    "foreign keys across tenants": (
        f"{ROLE}::test_a_reference_is_to_an_own_row_or_the_platforms",
        f"{PROVE}::test_references_that_nobody_guards_are_noticed",
    ),
    "a cascade deletes another tenant's rows": (f"{ROLE}::test_a_reference_cannot_be_turned_into_another_tenant",),
    "a unique key tells that a name is taken elsewhere": (
        f"{OVER}::test_a_name_that_another_tenant_has_is_free", f"{ROLE}::test_two_tenants_may_use_the_same_key",
    ),
    "views that run as their owner": ("integration/test_what_goes_around_isolation::test_it_is_listed",),
    "SECURITY DEFINER functions": ("integration/test_what_goes_around_isolation::test_it_is_listed",),
    "a temporary table shadows the real one": (f"{PROVE}::test_who_takes_a_temporary_table_for_real_is_noticed",),
    "RESET ROLE reaches a login with grants": (
        f"{SCOPES}::test_outside_every_scope_the_login_may_do_nothing",
        f"{START}::test_it_starts_with_a_login_that_can_do_nothing_by_itself",
    ),
    "a scope inside another": (
        f"{SCOPES}::test_no_scope_begins_inside_another",
        f"{SCOPES}::test_a_savepoint_that_is_rolled_back_keeps_the_scope",
    ),
    "a tenant set after the transaction has begun": (f"{SCOPES}::test_no_scope_begins_inside_another",),
    "statements outside the request's transaction": (
        f"{SCOPES}::test_outside_every_scope_the_login_may_do_nothing",
        "integration/test_scope_of_every_statement::test_the_first_statement_is_in_the_scope",
    ),
    "a handled error commits half of a write": (f"{SCOPES}::test_a_refusal_takes_back_what_the_view_had_written",),
    "work after the commit": (f"{SCOPES}::test_work_after_the_commit_is_in_no_scope",),
    "threads": (f"{OVER}::test_a_crowd_of_two_tenants_sees_no_wrong_row",),
    "answers remembered across tenants": (f"{OVER}::test_an_etag_of_one_tenant_says_nothing_to_another",),
    "a privileged path used for convenience": (
        f"{OVER}::test_show_all_opens_no_row", f"{OVER}::test_a_super_admin_in_a_tenant_is_bound_to_it",
    ),
    "error texts tell of tables and rows": (f"{ERRORS}::test_nothing_that_went_wrong_was_an_error_of_ours",),
    "TRUNCATE passes policies by": (f"{PROVE}::test_a_right_that_policies_do_not_bind_is_noticed_and_not_used",),
    "one tenant takes the service from the others": ("api/test_rate_limits::test_the_others_do_not_notice",),
}  # fmt: skip

NOTHING_TO_TRY = {
    "querysets made at import": "lists are statements made for each request; no form or filter holds a queryset",
    "background tasks in the wrong tenant": "a task is told a run's id and works as the operators; none is a tenant's",
    "files and search indexes": "the service stores and serves rows only",
}


def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_is_tried(attack: str) -> None:
    for place in ATTACKS[attack]:
        file, _, name = place.partition("::")
        assert name in names_in(file), f"{attack!r} is not tried any more: there is no {name} in tests/{file}.py"


def test_the_list_is_whole() -> None:
    """Thirty-six are known: one more, or one less, is a decision."""
    assert len(ATTACKS) + len(NOTHING_TO_TRY) == 36
