"""The tenants of a starting plan: one for each row of the root, and the Platform."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

from migrations_ops.engine.session import Session
from migrations_ops.rules.scaffold.introspection import Table, rows_in, rows_of

MOST = 500
LABELS = ("name", "title", "label", "display_name", "slug", "code")


@dataclass(frozen=True)
class Tenant:
    """A tenant as the plan names it; `key` are the values of its row's key, none for the Platform."""

    id: str
    slug: str
    name: str
    key: tuple[str, ...] = ()


def of_rows(session: Session, root: Table) -> tuple[list[Tenant], int]:
    """The Platform first; and how many rows beyond MOST are left to a person. Ids are the same at each call."""
    platform = Tenant(str(uuid5(NAMESPACE_URL, f"{root.relation}:platform")), "platform", "Platform")
    found, used = [platform], {platform.slug}
    for key, label in rows_of(session, root, _label(root), MOST):
        name = label or " ".join(key)
        slug = next(slug for slug in _slugs(name) if slug not in used)
        used.add(slug)
        found.append(Tenant(_id(root, key), slug, name, tuple(key)))
    return found, rows_in(session, root) - MOST if len(found) > MOST else 0


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
