"""Features of a schema that a run and its undo must preserve: a few tables of a market, and oddities to add to them."""

import difflib
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support import databases
from tests.support.databases import Scratch

HERE = Path(__file__).parent
ROLES = {
    "owner": databases.OWNER,
    "giver": "vital_test_giver",
    "reader": "vital_test_reader",
    "team": "vital_test_team",
}
CREATE = """
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[{names}] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
END
$$"""
OURS = CREATE.format(names="'vital_tenant', 'vital_operator'")
OUR_ROLES = f"SET ROLE {databases.OWNER}; {OURS}; RESET ROLE"
TO_THE_OWNER = f"""
DO $$
DECLARE
    made regclass;
BEGIN
    FOR made IN
        SELECT oid
        FROM pg_class
        WHERE relnamespace = 'public'::regnamespace
          AND relkind IN ('r', 'p', 'v', 'm', 'f')
          AND pg_get_userbyid(relowner) = session_user
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO {databases.OWNER}', made);
    END LOOP;
END
$$"""  # what a superuser has made in the owner's name


@dataclass(frozen=True)
class Oddity:
    """Something that the market has. `instead` says of which others it can have one; `refused` what 000 says of it."""

    name: str
    sql: str
    plan: str = ""
    version: int = 14
    instead: str = ""
    refused: str = ""
    gate: str = ""

    def __repr__(self) -> str:
        return f"<{self.name}>"


def _read() -> dict[str, Oddity]:
    found = {}
    text = (HERE / "schema_oddities.sql").read_text(encoding="utf-8")
    for part in text.split("-- oddity: ")[1:]:
        name, _, rest = part.partition("\n")
        facts = dict(re.findall(r"^-- (\w+): (.*)$", rest, re.MULTILINE))
        body = rest.replace("{our_roles}", OUR_ROLES)
        for word, role in ROLES.items():
            body = body.replace(f"{{{word}}}", role)
        version = int(facts.get("version", 14))
        words = (facts.get("instead", ""), facts.get("refused", ""))
        found[name] = Oddity(name, body, facts.get("plan", ""), version, *words, facts.get("gate", ""))
    return found


EVERY = _read()


def fitting(wanted: Iterable[Oddity], server_url: str) -> list[Oddity]:
    """Those that the server knows, and of those that exclude each other the first; in the file's order, in which each
    can be made beside the others."""
    ((number,),) = databases.rows(server_url, "SELECT current_setting('server_version_num')::int / 10000")
    chosen: list[Oddity] = []
    for oddity in wanted:
        taken = oddity.instead and oddity.instead in {one.instead for one in chosen}
        if oddity.version <= number and not taken:
            chosen.append(oddity)
    places = {oddity: place for place, oddity in enumerate(EVERY.values())}
    return sorted(chosen, key=lambda oddity: places.get(oddity, len(places)))


def build(server_url: str, chosen: Iterable[Oddity]) -> Scratch:
    scratch = databases.create_empty(server_url)
    with psycopg.connect(scratch.owner_url) as connection:
        connection.execute((HERE / "market.sql").read_bytes())
    names = ", ".join(f"'{role}'" for role in ROLES.values() if role != databases.OWNER)
    with psycopg.connect(scratch.admin_url, autocommit=True) as connection:
        connection.execute(CREATE.format(names=names).encode())
        connection.execute(f"GRANT {ROLES['team']} TO {databases.OWNER}".encode())
        for oddity in chosen:
            with suppress(psycopg.errors.InvalidGrantOperation):  # back to its giver, who owns the thing by now
                connection.execute(oddity.sql.encode())
            connection.execute("RESET ROLE")
        connection.execute(TO_THE_OWNER.encode())
    return scratch


def plan(chosen: Iterable[Oddity]) -> str:
    common = [f'\n[[common]]\nname = "{oddity.plan}"\n' for oddity in chosen if oddity.plan]
    return "".join([(HERE / "market.toml").read_text(encoding="utf-8"), *common])


def state(scratch: Scratch) -> list[str]:
    """The database as a dump and its catalogues tell it, VITAL's own schema apart."""
    without = ("--exclude-schema=vital", "--exclude-table=public.migration_tracking")
    text = databases.dump(scratch.admin_url, *without, schema="")
    catalogue = databases.rows(scratch.admin_url, (HERE / "catalogue.sql").read_text(encoding="utf-8"))
    return [*text.split("\n"), *(line for (line,) in catalogue)]


def difference(before: list[str], after: list[str]) -> str:
    lines = difflib.unified_diff(before, after, "before", "after", lineterm="", n=1)
    return "\n".join(line for line in lines if not line.startswith("@@"))
