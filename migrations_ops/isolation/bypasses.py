"""What the fence does not cover, read from the catalogue: nothing of it is wrong by itself, all of it worth knowing."""

from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session
from migrations_ops.isolation.targets import targets
from migrations_ops.phases.queries import query, schemas_of
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from tenants import rls

QUERIES = sql.load(Path(__file__).parent / "sql")
NOTE = (
    "These are ways to rows that the policies for tenants do not guard. The service uses none of them; close those that"
    " nobody needs. Who may run any SQL as vital_tenant may set vital.tenant_id, too: that is no secret."
)


def bypasses(session: Session, plan: Plan) -> dict[str, Any]:
    """A list for each kind of way around the fence."""
    relations = [target.relation for target in targets(plan)]
    tables, known = sql.literal(relations), sql.literal([*relations, *plan.common])
    parts: dict[str, Composable] = {"tables": tables, "known": known, "schemas": sql.literal(schemas_of(relations))}

    def ask(question: Composable, *names: str) -> list[dict[str, Any]]:
        return [dict(zip(names, row, strict=False)) for row in session.execute(question)]

    unlisted = query("unlisted_tables", column=sql.literal(TENANT_COLUMN), **parts)
    return {
        "bypasses": {
            "roles": ask(_of("roles_beside", **parts), "role", "login", "bound", "opened_by", "rights"),
            "logins_that_may_become_vital_operator": ask(_of("operators"), "login"),
            "security_definer_functions": ask(
                _of("definers"), "function", "owner", "may_call", "search_path_fixed", "a_tenant_may_call"
            ),
            "views_that_read_as_their_owner": [
                {"view": view, "why": why} for view, _, why in session.execute(query("owner_views", **parts))
            ],
            "tables_that_the_plan_does_not_name": [
                {"table": table, "why": why} for table, _, why in session.execute(unlisted)
            ],
            "readable_by_every_tenant": ask(_of("readable_elsewhere", **parts), "relation"),
            "rights_on_tables_made_later": ask(_of("default_rights"), "made_by", "schema", "grantee", "rights"),
            "publications": ask(_of("published_tables", **parts), "publication", "tables"),
            "who_may_make_temporary_tables": [{"who": row[2]} for row in session.execute(rls.who_may_shadow())],
        },
        "note": NOTE,
    }


def _of(name: str, /, **parts: Composable) -> Composable:
    return sql.compose(QUERIES[name].replace("%", "%%"), **parts)
