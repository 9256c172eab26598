"""The tenants as they are: who there is, what is set for each, what each has; and a new one beside them."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.sql import Composable
from psycopg.types.json import Jsonb

from tenants import audit
from tenants.inventory import TENANT_COLUMN, Inventory
from tenants.lifecycle.queries import QUERIES, ask
from vital.db import introspection, sql
from vital.db.session import Session
from vital.db.sql import shown
from vital.errors import EngineError, hint, require_reason

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
MOST = 100_000  # rows that are counted; of more it is said that they are more
LONGEST = 100  # characters of a name


class NoSuchTenant(EngineError):
    """There is no tenant {name}.{hint}"""

    exit_code = 2


class NotToAdd(EngineError):
    """The tenant cannot be added: {why}. Nothing was changed."""

    exit_code = 2


class PlatformStays(EngineError):
    """{name} is the Platform, whose rows every tenant shares: it cannot be suspended. Nothing was changed."""

    exit_code = 2


@dataclass(frozen=True)
class Record:
    """A tenant's record, as the table of tenants has it."""

    id: str
    slug: str
    name: str
    domain: str | None
    compliance_level: str
    is_active: bool
    settings: dict[str, Any]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class New:
    """A tenant that is wanted. `like` is the slug of one whose settings it begins with; an empty id is made."""

    slug: str
    name: str
    id: str = ""
    domain: str = ""
    like: str = ""


def records(session: Session, inventory: Inventory) -> list[Record]:
    """Every tenant, by name."""
    with session.work():
        return [Record(*row) for row in ask(session, "tenants", registry=sql.relation(inventory.registry))]


def find(session: Session, inventory: Inventory, name: str) -> Record:
    """The tenant with this slug or id. Raises NoSuchTenant."""
    known = records(session, inventory)
    for record in known:
        if name in (record.slug, record.id):
            return record
    raise NoSuchTenant(name=name or "without a name", hint=hint(name, (record.slug for record in known), "There are"))


def document(session: Session, inventory: Inventory, record: Record) -> dict[str, Any]:
    """One tenant, as `documents` has it."""
    return documents(session, inventory, [record])[0]


def documents(session: Session, inventory: Inventory, found: Sequence[Record]) -> list[dict[str, Any]]:
    """Each tenant with its host names and further ids, and how many rows of each table are its own: at most
    `counted_to`, and one more where it has more than that."""
    hosts: dict[str, list[str]] = {record.id: [] for record in found}
    with session.work():
        for tenant, host, _ in ask(session, "hosts"):
            if tenant in hosts:
                hosts[tenant].append(host)
        aliases = {record.id: aliases_of(session, record.id) for record in found}
    rows = _rows(session, inventory, list(hosts))
    return [
        asdict(record)
        | {"is_platform": record.id == inventory.platform_id, "hosts": hosts[record.id], "aliases": aliases[record.id]}
        | {"rows": rows[record.id], "counted_to": MOST}
        for record in found
    ]


def aliases_of(session: Session, tenant: str) -> list[str]:
    """Its further ids. In a transaction."""
    return [alias for holder, alias in ask(session, "aliases") if holder == tenant]


def holder_of_id(session: Session, inventory: Inventory, id: str) -> str:
    """Whose id this is, its own or a further one; empty where it is no tenant's. In a transaction."""
    known = {record.id: record.slug for record in records_now(session, inventory)}
    aliases = {alias: f"{known.get(tenant, tenant)}, as a further id" for tenant, alias in ask(session, "aliases")}
    return known.get(id) or aliases.get(id, "")


def _rows(session: Session, inventory: Inventory, tenants: list[str]) -> dict[str, dict[str, int]]:
    """Tenant → table → its rows; MOST + 1 stands for more than MOST. Tenant by tenant, as a cluster has the rows of one
    on one node."""
    columns = introspection.columns_of(session, [table.relation for table in inventory.planned])
    relations = [
        table.relation
        for table in inventory.planned
        if any(column.name == TENANT_COLUMN for column in columns.get(table.relation, []))
    ]
    found: dict[str, dict[str, int]] = {tenant: {} for tenant in tenants}
    for tenant in tenants if relations else ():
        questions = [_count(relation, tenant) for relation in relations]
        with session.work():
            found[tenant] = dict(session.execute(sql.join(questions, " UNION ALL "), {"most": MOST}))
    return found


def _count(relation: str, tenant: str) -> Composable:
    parts = {"name": sql.literal(shown(relation)), "relation": sql.relation(relation)}
    return sql.compose(QUERIES["counts_of_table"], tenant=sql.ident(TENANT_COLUMN), id=sql.literal(tenant), **parts)


def add(session: Session, inventory: Inventory, wanted: New, who: str, reason: str) -> Record:
    """Make a tenant: its record, its place in the registry, its host names.

    Raises NotToAdd, NoSuchTenant, ReasonRequired.
    """
    made = new(session, inventory, wanted)
    with changing(session, who, "add tenant", reason, {"tenant": made.id, "slug": made.slug, "like": wanted.like}):
        enter(session, inventory, made)
    return made


def new(session: Session, inventory: Inventory, wanted: New) -> Record:
    """The record that such a tenant would have. Raises NotToAdd, NoSuchTenant."""
    model = find(session, inventory, wanted.like) if wanted.like else None
    return Record(
        id=_identifier(wanted.id),
        slug=wanted.slug,
        name=wanted.name.strip(),
        domain=wanted.domain.lower() or None,
        compliance_level=model.compliance_level if model else "standard",
        is_active=True,
        settings=model.settings if model else {},
        metadata={},
    )


def enter(session: Session, inventory: Inventory, made: Record) -> None:
    """The record, its place in the registry and its host names, inside a change. Raises NotToAdd."""
    refuse(session, inventory, made)
    _write(session, inventory, "add_tenant", made)
    ask(session, "register_tenant", {"id": made.id})
    for host, is_primary in ((made.domain, True), (made.slug, False)):
        if host:
            ask(session, "add_host", {"domain": host, "is_primary": is_primary, "id": made.id})


def refuse(session: Session, inventory: Inventory, made: Record) -> None:
    """Raise NotToAdd where no such tenant can be added. Inside a change."""
    if holder := holder_of_id(session, inventory, made.id):
        raise NotToAdd(why=f"the id {made.id} belongs to {holder}")
    _refuse(made, records_now(session, inventory), {host: tenant for tenant, host, _ in ask(session, "hosts")})


def records_now(session: Session, inventory: Inventory) -> list[Record]:
    """The same as `records`, inside a change."""
    return [Record(*row) for row in ask(session, "tenants", registry=sql.relation(inventory.registry))]


@contextmanager
def changing(
    session: Session, who: str, action: str, reason: str, facts: dict[str, Any], *, dry_run: bool = False
) -> Iterator[None]:
    """One change of a tenant and its line in the audit, in one transaction, of which a dry run keeps nothing.

    Raises ReasonRequired.
    """
    reason = require_reason(reason, "What is done to a tenant")
    with session.work():
        ask(session, "hold_registry")
        session.as_applications()
        yield
        audit.note(session, who, action, reason, facts)
        if dry_run:
            raise psycopg.Rollback


def write(session: Session, inventory: Inventory, record: Record) -> None:
    """What is set for the tenant, inside a change."""
    _write(session, inventory, "change_tenant", record)


def _write(session: Session, inventory: Inventory, statement: str, record: Record) -> None:
    """The level is of whatever type the table has: often an enum of the platform's own."""
    level = next(column.kind for column in session.columns(inventory.registry) if column.name == "compliance_level")
    values = asdict(record) | {"settings": Jsonb(record.settings), "metadata": Jsonb(record.metadata)}
    ask(session, statement, values, registry=sql.relation(inventory.registry), level=sql.verbatim(level))


def _identifier(text: str) -> str:
    try:
        return str(UUID(text)) if text else str(uuid4())
    except ValueError as error:
        raise NotToAdd(why=f"its id must be a UUID, not {text!r}") from error


def _refuse(made: Record, known: list[Record], hosts: dict[str, str]) -> None:
    """Raise NotToAdd with the first thing that stands in the way."""
    taken = {name: record for record in known for name in (record.slug, record.domain) if name}
    for what, value in (("slug", made.slug), ("domain", made.domain)):
        if value and (value in taken or value in hosts):
            holder = taken[value].slug if value in taken else f"the tenant {hosts[value]}, as an alias"
            raise NotToAdd(why=f"the {what} {value} belongs to {holder}", field=what)
    if not SLUG.fullmatch(made.slug):
        why = f"a slug has small letters, digits and hyphens inside, at most 50, not {made.slug!r}"
        raise NotToAdd(why=why, field="slug")
    if not made.name or len(made.name) > LONGEST:
        raise NotToAdd(why=f"a name has 1 to {LONGEST} characters", field="name")
    if made.domain and not HOST.fullmatch(made.domain):
        raise NotToAdd(why=f"{made.domain!r} is no host name", field="domain")
