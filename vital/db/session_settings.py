"""What every connection of VITAL's runs with, whatever ALTER DATABASE and ALTER ROLE say: here, and nowhere else.

The engine and commands set it for their session; the service, behind a pooler perhaps, for each transaction; programs
(pg_dump, psql) get it as PGOPTIONS; functions that run in an application's session carry what they need of it.
"""

from collections.abc import Iterable
from pathlib import Path

from psycopg.sql import Composable

from vital.db import cluster, sql

QUERIES = sql.load(Path(__file__).parent / "sql")
# Names, keys, hashes and findings are text, and so is what the driver reads: the same in every session.
AS_TEXT = {
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "quote_all_identifiers": "off",
    "xmlbinary": "base64",
}
# What statements mean, and which rows they see.
MEANING = {
    "row_security": "on",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "xmloption": "content",
    "gin_fuzzy_search_limit": "0",
}
IN_A_TRANSACTION = AS_TEXT | MEANING
IN_EVERY_TRANSACTION = ("DateStyle", "TimeZone", "row_security")  # each costs 2 µs: the others only where they differ
# In an application's session keys are written as text too, and parents are read whatever the session hides.
IN_A_FUNCTION = AS_TEXT | {"row_security": "on"}
# What the engine's statements are made for: without hash joins, or compiled each time, a run took eight times as long.
PLANS = dict.fromkeys(("enable_hashjoin", "enable_hashagg", "enable_mergejoin", "enable_nestloop", "enable_sort"), "on")
PLANS |= dict.fromkeys(("enable_seqscan", "enable_indexscan", "enable_bitmapscan", "enable_material"), "on")
PLANS |= {"jit": "off", "plan_cache_mode": "auto"}
# Some of these are not known to every version, and are left out there.
IN_A_SESSION = {
    **IN_A_TRANSACTION,
    **PLANS,
    "lc_time": "C",
    "timezone_abbreviations": "Default",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "default_table_access_method": "heap",  # others may know no UPDATE
    "check_function_bodies": "on",
    "client_min_messages": "notice",
    "exit_on_error": "off",
    "createrole_self_grant": "",  # whoever makes a role would inherit from it, and be bound by its policies
    "restrict_nonsystem_relation_kind": "",
    # Hosted platforms end every statement after minutes, and an index of a big table takes longer.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    # A killed client leaves no statement running on the server; one whose network is gone without a word is noticed
    # within half a minute, or it would keep the run's lock for hours.
    "client_connection_check_interval": "1s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30s",
    "session_replication_role": "origin",  # only a superuser may set it; 000 refuses another
}
ENCODING = "UTF8"  # said to the server with the login, since the driver asks it how to read what comes
LAST_OF_PATH = "pg_temp"  # where it is not named it comes first, and a temporary table poses as a real one


def search_path(*schemas: str) -> str:
    """Temporary tables come last."""
    return ", ".join((*schemas, LAST_OF_PATH))


def for_session(*schemas: str) -> Composable:
    """Sets them for a connection that is nobody else's. Its rows are (value, name, who said otherwise)."""
    return _compared("session_settings", IN_A_SESSION | {"search_path": search_path(*schemas)})


def on_cluster() -> Composable:
    """Sets for such a connection what a cluster's needs besides. The server lists none of these names."""
    pairs = ((sql.literal(name), sql.literal(value)) for name, value in cluster.SESSION_SETTINGS.items())
    set_each = (sql.compose(QUERIES["set_in_session"], name=name, value=value) for name, value in pairs)
    return sql.compose(QUERIES["session_settings_on_cluster"], settings=sql.join(set_each))


def overruled(rows: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    """The names among these rows that ALTER DATABASE or ALTER ROLE had said otherwise."""
    return tuple(name for _, name, source in rows if source in ("database", "user", "database user", "global"))


def otherwise() -> Composable:
    """Asks for the names of those that a transaction must set."""
    return _compared("settings_otherwise", IN_A_TRANSACTION)


def _compared(name: str, wanted: dict[str, str]) -> Composable:
    values = {"names": sql.literal(list(wanted)), "values": sql.literal(list(wanted.values()))}
    return sql.compose(QUERIES[name], **values)


def for_transaction(others: Iterable[str] = ()) -> Composable:
    """Those that are always set, and these others."""
    wanted = dict.fromkeys((*IN_EVERY_TRANSACTION, *others))
    pairs = ((sql.literal(name), sql.literal(IN_A_TRANSACTION[name])) for name in wanted)
    return sql.join(sql.compose(QUERIES["set_in_transaction"], name=name, value=value) for name, value in pairs)


def for_function() -> Composable:
    """As clauses of its definition."""
    pairs = ((sql.ident(name), sql.literal(value)) for name, value in IN_A_FUNCTION.items())
    return sql.join((sql.compose(QUERIES["set_in_function"], name=name, value=value) for name, value in pairs), " ")


def as_options(names: Iterable[str]) -> str:
    """These as libpq's `options`, for programs that say no statements of ours."""
    wanted = {name: IN_A_SESSION[name] for name in names if name in IN_A_SESSION}
    return " ".join("-c {}={}".format(name, value.replace(" ", "\\ ")) for name, value in wanted.items())
