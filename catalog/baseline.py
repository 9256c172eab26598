"""Creating the legacy tables in a database that has none of them; `migrate` calls this."""

import tomllib
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper

from catalog import tables

SQL = Path(__file__).parent / "sql"
NEEDS_VECTOR = "-- needs vector"

HINTS = {
    "42501": "Let the database's owner run this, or grant CREATE on the database and on its schema public.",
    "42710": "Drop or rename what is in the way: the legacy tables come with types and a function of their own.",
    "42723": "Drop or rename what is in the way: the legacy tables come with types and a function of their own.",
    "42P01": "A schema auth without the table auth.users is in the way: drop it, or create that table.",
}


class BaselineRefusedError(CommandError):
    """The empty legacy tables could not be created: {reason}. {hint}"""

    def __init__(self, error: Exception) -> None:
        reason, _, _ = str(error).partition("\n")
        hint = HINTS.get(getattr(error.__cause__, "sqlstate", None) or "", "")
        super().__init__(str(self.__doc__).format(reason=reason, hint=hint).strip())


def create_where_absent(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Create all twelve tables, or nothing where there are tables already: somebody's database is not ours to fill.

    Raises BaselineRefusedError, with the reason and a way out, where the role or the database does not allow it.
    """
    with editor.connection.cursor() as cursor:
        if tables.present(cursor) or is_of_others(cursor) or not is_wanted():
            return
        statements = baseline(vector_schema(cursor))
        if not schema_exists(cursor, "auth"):
            statements = (SQL / "auth_stub.sql").read_text(encoding="utf-8") + statements
        try:
            cursor.execute(statements)
        except DatabaseError as error:
            raise BaselineRefusedError(error) from error


def is_of_others(cursor: CursorWrapper) -> bool:
    """Whether there are tables in schema public."""
    cursor.execute((SQL / "tables_of_others.sql").read_text(encoding="utf-8"))
    return bool(cursor.fetchone() == (True,))


def is_wanted() -> bool:
    """Whether the plan is the platform's own: a plan of another database has no use for the platform's tables.

    Raises BaselineRefusedError where there is no such plan.
    """
    try:
        return bool(tomllib.loads(settings.PLAN.read_text(encoding="utf-8")).get("product") == "vital")
    except (OSError, ValueError) as error:
        raise BaselineRefusedError(error) from error


def baseline(vector: str | None) -> str:
    """The statements of baseline.sql; `vector` is the quoted schema of that extension, None leaves its lines out."""
    lines = (SQL / "baseline.sql").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = (line for line in lines if vector or not line.rstrip().endswith(NEEDS_VECTOR))
    return "".join(kept).replace("{vector}", vector or "")


def vector_schema(cursor: CursorWrapper) -> str | None:
    """Where the extension `vector` is installed (often not in the search path), quoted; None where it is not."""
    cursor.execute(
        "SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e"
        " JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'"
    )
    found = cursor.fetchone()
    return found[0] if found else None


def schema_exists(cursor: CursorWrapper, name: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", [name])
    return cursor.fetchone() is not None
