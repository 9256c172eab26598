"""Statements come out of a server's log, in each of its formats, and out of pg_stat_statements."""

import json
from pathlib import Path

import pytest

from tests.support.command_results import Manage, document, said
from tests.support.databases import OWNER, Scratch, rows

UPSERT = "INSERT INTO tools (tool_key, name, description)\n\tVALUES ($1, $2, $3) ON CONFLICT (tool_key) DO NOTHING"
LOOKUP = "SELECT id FROM prompts WHERE name = 'a; b'"
FINE = "SELECT count(*) FROM agents WHERE tier = $1"
FOUND = {("on-conflict", "tools"), ("several-rows", "prompts")}
MESSAGES = (
    f"statement: {LOOKUP}",
    "duration: 0.112 ms  parse <unnamed>: SELECT 1",
    f"duration: 0.011 ms  bind s1: {FINE}",
    f"execute s1: {FINE}",
    f"duration: 0.5 ms  execute <unnamed>: {UPSERT}",
    "duration: 12.5 ms  statement: BEGIN",
    f"statement: {LOOKUP.replace('a; b', 'c')}",
    "connection authorized: user=x database=y",
)
STATISTICS = """
CREATE VIEW public.pg_stat_statements AS
SELECT r.oid AS userid, d.oid AS dbid, s.query, s.calls
FROM (VALUES (current_user::text, current_database()::text, {upsert}, 7::bigint),
             (current_user, current_database(), {fine}, 5),
             (current_user, 'postgres', 'TRUNCATE messages', 1),
             ('vital_tenant', current_database(), 'TRUNCATE messages', 1),
             (current_user, current_database(), '<insufficient privilege>', 9),
             (current_user, current_database(), 'SELECT * FROM vital.run WHERE id = $1', 3),
             (current_user, current_database(),
              'SELECT id FROM prompts WHERE name = $1 AND created_at > now() - interval $2', 2)
) AS s (role, database, query, calls)
JOIN pg_roles AS r ON r.rolname = s.role
JOIN pg_database AS d ON d.datname = s.database
"""
AT = "2026-01-01 10:00:00.000 UTC"


def csv_log(database: str) -> str:
    def row(message: str, place: str) -> str:
        quoted = message.replace('"', '""')
        first = f'{AT},"{OWNER}","{place}",1,"[local]",1.1,1,"SELECT",{AT},3/1,0,LOG,00000'
        return f'{first},"{quoted}",,,,,,,,,"app","client backend",,0'

    return "\n".join(
        [*(row(message, database) for message in MESSAGES), row("statement: TRUNCATE messages", "another")]
    )


def json_log(database: str) -> str:
    entries = [{"user": OWNER, "dbname": database, "error_severity": "LOG", "message": message} for message in MESSAGES]
    entries.append({"user": OWNER, "dbname": "another", "message": "statement: TRUNCATE messages"})
    return "\n".join([*map(json.dumps, entries), '{"user": "half writ'])


def stderr_log(database: str) -> str:
    lines = [f"{AT} [1] {OWNER}@{database} LOG:  {message}" for message in MESSAGES]
    lines.insert(1, f"{AT} [1] {OWNER}@{database} ERROR:  no such thing\n\tTRUNCATE messages")
    return "\n".join([*lines, f"{AT} [1] {OWNER}@another LOG:  statement: TRUNCATE messages"])


@pytest.mark.parametrize("kind", [csv_log, json_log, stderr_log])
def test_a_log_of_each_format_is_read(migrated: Scratch, manage: Manage, tmp_path: Path, kind: object) -> None:
    assert callable(kind)
    log = tmp_path / "postgresql.log"
    log.write_text(kind(migrated.name), encoding="utf-8")

    done = manage(migrated, "migrate_tenants", "impact", "--log", str(log), "--json")

    found = document(done)
    assert {(one["kind"], *one["tables"]) for one in found["findings"]} == FOUND, said(done)
    assert (found["statements"], found["passed_over"], found["calls"]) == (3, 1, 4)
    assert {one["role"] for one in found["findings"]} == {OWNER}
    (lookup,) = (one for one in found["findings"] if one["kind"] == "several-rows")
    assert (lookup["calls"], lookup["statement"]) == (2, "SELECT id FROM prompts WHERE name = $1")
    assert "a; b" not in done.stdout, "values of rows are nobody's to read in a report"


def test_000_warns_of_what_their_text_alone_says(legacy: Scratch, manage: Manage) -> None:
    upsert = UPSERT.replace("'", "''")
    rows(
        legacy.owner_url,
        STATISTICS.format(upsert=f"'{upsert}'", fine="'INSERT INTO users (id, email) VALUES ($1, $2)'"),
    )

    done = manage(legacy, "migrate_tenants", "--only", "000", "--yes", "-v")

    assert done.returncode == 0, said(done)
    warned = done.stdout.partition("statements that isolation will break")[2].partition("WARN")[0]
    assert "ON CONFLICT on (tool_key), which becomes unique in each tenant, will fail: INSERT INTO tools" in warned
    assert "a new row of users gets no tenant" in warned
    assert f"sent 7 times by {OWNER}" in warned
    assert "TRUNCATE" not in warned


def test_pg_stat_statements_is_what_is_asked_first(migrated: Scratch, manage: Manage) -> None:
    quoted = {name: "'" + text.replace("'", "''") + "'" for name, text in (("upsert", UPSERT), ("fine", FINE))}
    rows(migrated.owner_url, STATISTICS.format(**quoted))

    done = manage(migrated, "migrate_tenants", "impact", "--json")

    found = document(done)
    assert {(one["kind"], *one["tables"]) for one in found["findings"]} == FOUND, said(done)
    assert (found["source"], found["statements"], found["calls"]) == ("pg_stat_statements", 3, 14)
    assert found["not_tried"] == []
