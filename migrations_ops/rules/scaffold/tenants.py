"""The tenants of a starting plan: one for each row of the root, and the Platform. They are listed where they are few;
many, or those that rows name already, are taken from the table."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

from migrations_ops.engine.session import Session
from migrations_ops.rules.scaffold.introspection import Table, has_blank, rows_in, rows_of
from vital.db import sql

MOST = 50  # tenants that a plan lists
LABELS = ("name", "title", "label", "display_name", "slug", "code")


@dataclass(frozen=True)
class Tenant:
    """A tenant as the plan names it; `key` are the values of its row's key, none for the Platform."""

    id: str
    slug: str
    name: str
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cast:
    """The tenants: `listed` begins with the Platform. `name` is where a row has its tenant's name, as a plan says it,
    where the others are taken from the table."""

    listed: tuple[Tenant, ...]
    rows: int
    name: str | dict[str, str] = ""

    @property
    def of_table(self) -> bool:
        return bool(self.name)


def cast(session: Session, root: Table, *, is_adopted: bool) -> Cast:
    """Ids are the same at each call. `is_adopted`: rows have a tenant already, which is one of the root's."""
    platform = Tenant(str(uuid5(NAMESPACE_URL, f"{root.relation}:platform")), "platform", "Platform")
    rows = rows_in(session, root)
    if not is_adopted and rows <= MOST:
        return Cast((platform, *_of_rows(session, root, {platform.slug})), rows)
    label = _label(root)
    if not has_blank(session, root, label):
        return Cast((platform,), rows, label)
    key = " || ' ' || ".join(f"{sql.spelled(column)}::text" for column in root.key)
    return Cast((platform,), rows, {"sql": f"COALESCE(NULLIF(btrim({sql.spelled(label)}::text), ''), {key})"})


def _of_rows(session: Session, root: Table, used: set[str]) -> Iterator[Tenant]:
    for key, label in rows_of(session, root, _label(root), MOST):
        name = label or " ".join(key)
        slug = next(slug for slug in _slugs(name) if slug not in used)
        used.add(slug)
        yield Tenant(_id(root, key), slug, name, tuple(key))


def _id(root: Table, key: list[str]) -> str:
    """The row's own key where that is a uuid."""
    if [root.columns[column] for column in root.key] == ["uuid"]:
        return str(UUID(key[0]))
    return str(uuid5(NAMESPACE_URL, f"{root.relation}:{key}"))


def _label(table: Table) -> str:
    """The column that people call a row by."""
    texts = [column for column, kind in table.columns.items() if kind == "text"]
    by_name = [column for label in LABELS for column in texts if column.lower() == label]
    return next(iter([*by_name, *(column for column in texts if "name" in column.lower()), *texts]), table.key[0])


def _slugs(name: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:50].strip("-") or "tenant"
    yield slug
    number = 2
    while True:
        yield f"{slug}-{number}"
        number += 1
