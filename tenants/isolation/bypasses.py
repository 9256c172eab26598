"""What isolation does not cover, read from the catalogue: nothing of it is wrong by itself, all of it worth knowing."""

from collections.abc import Sequence
from typing import Any

from psycopg.sql import Composable

from tenants.inventory import OWN_SCHEMA, TENANT_COLUMN, Inventory
from tenants.isolation.queries import query
from tenants.isolation.targets import targets
from vital.db import sql
from vital.db.session import Session

NOTE = (
    "These are ways to rows that the policies for tenants do not guard. The service uses none of them; close those that"
    " are not needed. Who may run any SQL as vital_tenant may set vital.tenant_id, too: that is no secret."
)


def bypasses(session: Session, inventory: Inventory) -> dict[str, Any]:
    """A list for each kind of way around isolation."""
    relations = [target.relation for target in targets(inventory)]
    known = [*relations, *inventory.common]
    parts = _parts(relations, known)

    def ask(question: Composable, *names: str) -> list[dict[str, Any]]:
        return [dict(zip(names, row, strict=False)) for row in session.execute(question)]

    return {
        "bypasses": {
            "roles": ask(query("roles_beside", **parts), "role", "login", "bound", "opened_by", "rights"),
            "logins_that_may_become_vital_operator": ask(query("operators"), "login"),
            "security_definer_functions": ask(
                query("definers"), "function", "owner", "may_call", "search_path_fixed", "a_tenant_may_call"
            ),
            "views_that_read_as_their_owner": [
                {"view": view, "why": why} for view, _, why in session.execute(owner_views(relations))
            ],
            "tables_that_the_plan_does_not_name": [
                {"table": table, "why": why} for table, _, why in session.execute(unlisted_tables(relations, known))
            ],
            "readable_by_every_tenant": ask(query("readable_elsewhere", **parts), "relation"),
            "rights_on_tables_made_later": ask(query("default_rights"), "made_by", "schema", "grantee", "rights"),
            "publications": ask(query("published_tables", **parts), "publication", "tables"),
            "who_may_make_temporary_tables": [{"who": row[2]} for row in session.execute(who_may_shadow())],
        },
        "note": NOTE,
    }


def owner_views(relations: Sequence[str]) -> Composable:
    """SELECT (view, '', why) of the views that show what their owner sees of these tables."""
    return query("owner_views", tables=sql.literal(list(relations)))


def unlisted_tables(relations: Sequence[str], known: Sequence[str]) -> Composable:
    """SELECT (table, '', why) of tables beside these that look as if they held rows of tenants; not of `known` ones."""
    return query("unlisted_tables", column=sql.literal(TENANT_COLUMN), **_parts(relations, known))


def who_may_shadow() -> Composable:
    """SELECT (table, key, message) of the logins that may make temporary tables."""
    return query("who_may_shadow")


def _parts(relations: Sequence[str], known: Sequence[str]) -> dict[str, Composable]:
    # What is in VITAL's own schema is VITAL's, also where the registry of tenants stands in it.
    schemas = sorted({sql.names(relation)[0] for relation in relations} - {OWN_SCHEMA})
    lists = {"tables": list(relations), "known": list(known), "schemas": schemas}
    return {name: sql.literal(value) for name, value in lists.items()}
