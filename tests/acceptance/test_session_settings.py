"""ALTER DATABASE and ALTER ROLE say what a session runs with. Whatever they say, a run, its validation, the service and
the undo come to the same; what VITAL cannot set for itself is refused before anything is touched, in one sentence.

VITAL_SLOW_TESTS=1: each setting by itself, for the database and for the roles; else all of them at once.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from psycopg import sql

from tests.support import databases, queries, service_under_test
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.command_results import Manage, Migrated, document, said
from tests.support.databases import OWNER, Scratch, rows
from tests.support.pgbouncer import transaction_mode
from tests.support.service import Service, served
from tests.support.tokens import super_admin, user

pytestmark = pytest.mark.slow

Setting = tuple[str, str]
HOSTILE: tuple[Setting, ...] = (
    ("DateStyle", "German, DMY"),
    ("IntervalStyle", "sql_standard"),
    ("TimeZone", "Asia/Kathmandu"),
    ("bytea_output", "escape"),
    ("extra_float_digits", "-15"),
    ("xmlbinary", "hex"),
    ("lc_messages", "de_DE.utf8"),
    ("lc_monetary", "de_DE.utf8"),
    ("lc_numeric", "de_DE.utf8"),
    ("quote_all_identifiers", "on"),
    ("row_security", "off"),
    ("search_path", "pg_catalog"),
    ("standard_conforming_strings", "off"),
    ("backslash_quote", "on"),
    ("escape_string_warning", "off"),
    ("array_nulls", "off"),
    ("transform_null_equals", "on"),
    ("xmloption", "document"),
    ("check_function_bodies", "off"),
    ("client_encoding", "LATIN1"),
    ("client_min_messages", "debug1"),
    ("default_transaction_read_only", "on"),
    ("default_transaction_isolation", "serializable"),
    ("default_transaction_deferrable", "on"),
    ("default_tablespace", "pg_default"),
    ("exit_on_error", "on"),
    ("createrole_self_grant", "set, inherit"),
    ("restrict_nonsystem_relation_kind", "view, foreign-table"),
    ("statement_timeout", "2s"),
    ("lock_timeout", "1ms"),
    ("transaction_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "1s"),
    ("idle_session_timeout", "3s"),
    ("gin_fuzzy_search_limit", "1"),
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_sort", "off"),
    ("work_mem", "64kB"),
    ("jit_above_cost", "0"),
    ("cursor_tuple_fraction", "0.001"),
    ("application_name", "somebody else"),
)
# Others of the same, which no session can have beside those above.
OTHERS: tuple[Setting, ...] = (
    ("DateStyle", "SQL, MDY"),
    ("DateStyle", "Postgres, DMY"),
    ("IntervalStyle", "iso_8601"),
    ("default_transaction_isolation", "repeatable read"),
    ("client_encoding", "SQL_ASCII"),
    ("client_min_messages", "error"),
    ("search_path", ""),
    ("search_path", "pg_temp, public"),
    ("TimeZone", "America/St_Johns"),
)
GROUPS = [HOSTILE, OTHERS]
if os.environ.get("VITAL_SLOW_TESTS"):
    GROUPS = [(setting,) for setting in (*HOSTILE, *OTHERS)]


def called(group: object) -> str:
    if isinstance(group, tuple) and len(group) == 1:
        return "=".join(group[0])
    return "those of one session" if group is HOSTILE else "others" if group is OTHERS else str(group)


class Settings:
    """What ALTER DATABASE or ALTER ROLE … IN DATABASE says of a database; said from outside, whatever it says."""

    def __init__(self, server_url: str, scratch: Scratch) -> None:
        self.server_url, self.scratch = server_url, scratch

    def set(self, group: tuple[Setting, ...], role: str = "") -> None:
        """What this server does not know is left out."""
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            for name, value in group:
                known = (psycopg.errors.UndefinedObject, psycopg.errors.InvalidParameterValue)
                with suppress(*known):
                    words = sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
                    if name in ("search_path", "DateStyle"):  # lists
                        words = sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.SQL(value or "''"))
                    connection.execute(sql.SQL("ALTER {} {}").format(self._whom(role), words))

    def reset(self, role: str = "") -> None:
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER {} RESET ALL").format(self._whom(role)))

    def _whom(self, role: str) -> sql.Composable:
        database = sql.SQL("DATABASE {}").format(sql.Identifier(self.scratch.name))
        return sql.SQL("ROLE {} IN {}").format(sql.Identifier(role), database) if role else database


@contextmanager
def service_on(
    server_url: str, scratch: Scratch, manage: Manage, setting: Settings, group: tuple[Setting, ...]
) -> Iterator[Service]:
    """The service under a login of its own, which has the settings too."""
    with service_under_test.service_login(server_url, scratch, manage) as url:
        name = psycopg.conninfo.conninfo_to_dict(url)["user"]
        setting.set(group, str(name))
        with served(url) as service:
            yield service


def run(manage: Manage, scratch: Scratch, *words: str) -> str:
    done = manage(scratch, *words)
    assert done.returncode == 0, said(done)
    return done.stdout


@pytest.mark.parametrize("of", ["the database", "the roles"])
@pytest.mark.parametrize("group", GROUPS, ids=called)
def test_a_run_comes_to_the_same_under_every_setting(
    platform_template: Scratch,
    platform_migrated: Migrated,
    server_url: str,
    manage: Manage,
    group: tuple[Setting, ...],
    of: str,
) -> None:
    scratch = databases.clone(platform_template)
    setting, role = Settings(server_url, scratch), OWNER if of == "the roles" else ""
    before = databases.dump(scratch.admin_url)
    try:
        setting.set(group, role)
        looked_ahead = document(manage(scratch, "migrate_tenants", "preview", "--json"))
        run(manage, scratch, "migrate_tenants", "--yes")
        run(manage, scratch, "migrate_tenants", "validate")
        assert document(manage(scratch, "migrate_tenants", "status", "--json"))["next"] is None
        assert "nothing was changed" in run(manage, scratch, "migrate_tenants", "--yes")
        run(manage, scratch, "prove_isolation")
        setting.reset(role)
        assert queries.tenants_of_every_table(scratch) == queries.tenants_of_every_table(platform_migrated.database)
        assert looked_ahead["total"]["rows"] > 1_000
        setting.set(group, role)
        run(manage, scratch, "migrate_tenants", "undo", "--yes")
        setting.reset(role)
        assert databases.dump(scratch.admin_url) == before
    finally:
        setting.reset(role)
        databases.drop(scratch)


@pytest.mark.parametrize("group", GROUPS, ids=called)
def test_the_service_answers_the_same_under_every_setting(
    platform_migrated: Migrated, server_url: str, manage: Manage, group: tuple[Setting, ...]
) -> None:
    scratch = databases.clone(platform_migrated.database)
    setting = Settings(server_url, scratch)
    expected = answers(scratch, server_url, manage, setting, ())
    scratch = databases.clone(platform_migrated.database)
    setting = Settings(server_url, scratch)
    setting.set(group)
    assert answers(scratch, server_url, manage, setting, group) == expected


PATHS = (
    "/api/tools-crud?limit=5",
    "/api/tools-crud?search=a&limit=3",
    "/api/prompts-crud?limit=5",
    "/api/knowledge-domains",
    "/api/tenants",
    "/health/ready",
)


PROMPT = {
    "name": "settings", "display_name": "Settings", "description": r"a\b'c", "domain": "general",
    "system_prompt": "s", "user_prompt_template": "u",
}  # fmt: skip


def answers(
    scratch: Scratch, server_url: str, manage: Manage, setting: Settings, group: tuple[Setting, ...]
) -> dict[str, object]:
    """What the service says to a tenant of lists, and to an operator of the runs. The database is dropped."""
    with service_on(server_url, scratch, manage, setting, group) as service:
        found = {path: service.get(path, user(DIGITAL_HEALTH)) for path in PATHS}
        runs = service.get("/api/migrations/runs", super_admin())
        made = service.post("/api/prompts-crud", user(PHARMA), PROMPT)
        statuses = [answer.status for answer in (*found.values(), runs, made)]
        assert all(status < 500 for status in statuses), (statuses, service.said)
        return {path: (answer.status, answer.json) for path, answer in found.items()} | {
            "runs": (runs.status, [one["status"] for one in runs.json.get("runs", [])]),
            "made": (made.status, {name: made.json.get("prompt", made.json).get(name) for name in PROMPT}),
        }


def test_nothing_of_a_transactions_settings_is_left_behind_a_pooler(
    platform_migrated: Migrated, server_url: str, manage: Manage
) -> None:
    """One process of the server serves the service and somebody else by turns."""
    scratch = databases.clone(platform_migrated.database)
    setting = Settings(server_url, scratch)
    with service_under_test.service_login(server_url, scratch, manage) as url:
        setting.set(HOSTILE[:12], str(psycopg.conninfo.conninfo_to_dict(url)["user"]))
        with (
            transaction_mode(server_url, scratch, round_robin=False, login_url=url, pool_size=1) as pooled,
            psycopg.connect(pooled, autocommit=True) as somebody,
        ):
            names = [name for name, _ in HOSTILE[:12] if name != "client_encoding"]
            question = "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name"
            before = somebody.execute(question, [names]).fetchall()
            with served(pooled) as service:
                for _ in range(5):
                    assert service.get("/api/tools-crud?limit=5", user(DIGITAL_HEALTH)).status == 200, service.said
                    assert somebody.execute(question, [names]).fetchall() == before


# --- what VITAL cannot set for itself ---


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (("session_replication_role", "replica"), "triggers and foreign keys do not fire"),
        (("vital.tenant_id", PHARMA), "VITAL sets it for each transaction"),
        (("vital.backfill", "on"), "VITAL sets it for each transaction"),
    ],
)
@pytest.mark.parametrize("role", ["", OWNER], ids=["the database", "the role"])
def test_what_cannot_be_set_is_refused_before_anything_is_touched(
    platform: Scratch, server_url: str, manage: Manage, setting: Setting, words: str, role: str
) -> None:
    before = databases.dump(platform.admin_url)
    settings = Settings(server_url, platform)
    with psycopg.connect(server_url, autocommit=True) as connection:
        name, value = setting
        alter = sql.SQL("ALTER {} SET {} = {}").format(settings._whom(role), sql.SQL(name), sql.Literal(value))
        connection.execute(alter)

    done = manage(platform, "migrate_tenants", "--yes")

    assert done.returncode == 1, said(done)
    assert words in said(done)
    assert "RESET" in said(done)
    settings.reset(role)
    assert databases.dump(platform.admin_url) == before
    run(manage, platform, "migrate_tenants", "--only", "000", "--yes")


def test_sessions_of_others_that_fire_no_trigger_are_named(platform: Scratch, server_url: str, manage: Manage) -> None:
    rows(server_url, "CREATE ROLE past_triggers LOGIN")
    try:
        rows(
            server_url, f'ALTER ROLE past_triggers IN DATABASE "{platform.name}" SET session_replication_role = replica'
        )
        assert "past_triggers" in run(manage, platform, "migrate_tenants", "--only", "000", "--yes")
    finally:
        rows(server_url, "DROP ROLE past_triggers")


# --- what runs in an application's session ---


@pytest.mark.parametrize("group", [HOSTILE, OTHERS], ids=called)
def test_a_row_written_under_every_setting_gets_its_tenant_and_is_undone(
    platform_migrated: Migrated, server_url: str, manage: Manage, group: tuple[Setting, ...]
) -> None:
    """The trigger runs in the application's session: what it writes down must be found again."""
    scratch = databases.clone(platform_migrated.database)
    setting = Settings(server_url, scratch)
    harmless = tuple(
        one for one in group if one[0] not in ("default_transaction_read_only", "search_path", "client_encoding")
    )
    try:
        setting.set(harmless)
        ((key, tenant),) = rows(  # as who passes policies by: with row_security off others may write nothing themselves
            scratch.admin_url,
            "INSERT INTO public.knowledge_base (chunk_index, content, content_hash, domain)"
            " VALUES (1, 'c', 'h', 'anatomy') RETURNING id::text, tenant_id::text",
        )
        assert tenant is not None
        run(manage, scratch, "migrate_tenants", "explain", "knowledge_base", key)
        run(manage, scratch, "migrate_tenants", "undo", "--phase", "003", "--yes")
        assert queries.scalar(scratch, "SELECT tenant_id FROM public.knowledge_base WHERE id::text = %s", key) is None
    finally:
        setting.reset()
        databases.drop(scratch)
