"""A tenant's life: who there is, what is set for each, a new one, one that is asleep for a while."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from migrations_ops.engine.errors import OutOfOrder
from migrations_ops.engine.session import Session
from migrations_ops.life import (
    cloning,
    configure,
    environment,
    exporting,
    hosts,
    importing,
    leaving,
    moves,
    registry,
    unpacking,
)
from migrations_ops.life.registry import New
from migrations_ops.rules.model import Plan
from migrations_ops.services.database import current_plan, me, open_session, phase_states
from migrations_ops.services.deciding import next_phase

MADE_BY = "002_tenant_setup"


@contextmanager
def _at_tenants(*, read_only: bool = False) -> Iterator[tuple[Session, Plan]]:
    """The session and the plan, once there are tenants to speak of. The service's login works as vital_operator."""
    plan = current_plan()
    with open_session(read_only=read_only) as session:
        session.read_as_operator()
        states = phase_states(session) if session.named("is_set_up")[0][0] else []
        if (MADE_BY, "completed") not in [(state["phase"], state["status"]) for state in states]:
            raise OutOfOrder(phase="tenants", needed=MADE_BY)
        yield session, plan


def all_tenants() -> list[dict[str, Any]]:
    """Every tenant with its settings, host names and rows; see `registry.document`. Only reads."""
    with _at_tenants(read_only=True) as (session, plan):
        return [registry.document(session, plan, record) for record in registry.records(session, plan)]


def tenant_named(slug: str) -> dict[str, Any]:
    """One of them. Raises NoSuchTenant."""
    with _at_tenants(read_only=True) as (session, plan):
        return registry.document(session, plan, registry.find(session, plan, slug))


def add_tenant(wanted: New, reason: str, *, who: str = "") -> dict[str, Any]:
    """Make a tenant that has no rows yet; see `registry.add`."""
    with _at_tenants() as (session, plan):
        return registry.document(session, plan, registry.add(session, plan, wanted, who or me(), reason))


def configure_tenant(slug: str, changes: Mapping[str, str], reason: str, *, who: str = "") -> dict[str, Any]:
    """Change what is set for a tenant; in force within a second. See `configure.change`."""
    with _at_tenants() as (session, plan):
        record, changed = configure.change(session, plan, slug, changes, who or me(), reason)
        return {"slug": record.slug, "changed": changed}


def add_host(slug: str, host: str, reason: str, *, who: str = "") -> dict[str, Any]:
    """One more host name for a tenant; in force within a second. See `hosts.add`."""
    with _at_tenants() as (session, plan):
        return registry.document(session, plan, hosts.add(session, plan, slug, host, who or me(), reason))


def remove_host(slug: str, host: str, reason: str, *, who: str = "") -> dict[str, Any]:
    """One less; see `hosts.remove`."""
    with _at_tenants() as (session, plan):
        return registry.document(session, plan, hosts.remove(session, plan, slug, host, who or me(), reason))


def settings_of(slug: str) -> dict[str, Any]:
    """Setting → what is set for the tenant, None where nothing is: everything that can be set, in the order of the
    documentation."""
    with _at_tenants(read_only=True) as (session, plan):
        record = registry.find(session, plan, slug)
        return {name: configure.value_of(record, name) for name in configure.SETTINGS}


def kinds_of_settings() -> dict[str, str]:
    """Setting → what it may be, in words."""
    return {name: kind.words for name, kind in configure.SETTINGS.items()}


def set_tenant_active(slug: str, reason: str, *, active: bool, who: str = "") -> dict[str, Any]:
    """Suspend a tenant (its rows stay, nobody gets in) or let it in again; within a second. See `configure`."""
    with _at_tenants() as (session, plan):
        record = configure.set_active(session, plan, slug, active=active, who=who or me(), reason=reason)
        return {"slug": record.slug, "is_active": record.is_active}


def move_rows(
    file: Path, reason: str, waiting: Callable[[str], None], *, who: str = "", seen: str = "", dry_run: bool = False
) -> dict[str, Any]:
    """Give rows of one tenant to another by the rules in this file; see `moves.carry`."""
    with _at_tenants() as (session, plan):
        document = moves.carry(session, plan, file, who or me(), reason, waiting, seen=seen, dry_run=dry_run)
        return document if "carried_out" not in document else document | {"next": next_phase(session, plan)}


def move_back(number: int, reason: str, waiting: Callable[[str], None], *, who: str = "") -> dict[str, Any]:
    """Take a move back; see `moves.take_back`."""
    with _at_tenants() as (session, plan):
        document = moves.take_back(session, plan, number, who or me(), reason, waiting)
        return document | {"next": next_phase(session, plan)}


def export_tenant(slug: str, file: Path, say: Callable[[str], None], *, who: str = "") -> dict[str, Any]:
    """Write everything of a tenant into one archive; see `exporting.export`. Changes nothing here."""
    with _at_tenants(read_only=True) as (session, plan):
        manifest = exporting.export(session, plan, slug, file, who or me(), say)
        tables = {table.relation: {"rows": table.rows, "fingerprint": table.fingerprint} for table in manifest.tables}
        return {"file": str(file), "slug": slug, "rows": manifest.rows, "tables": tables}


def import_tenant(
    file: Path, reason: str, say: Callable[[str], None], *, slug: str = "", who: str = "", dry_run: bool = False
) -> dict[str, Any]:
    """Make a tenant of an archive; see `importing.bring_in`."""
    with _at_tenants() as (session, plan):
        record, manifest = importing.bring_in(session, plan, file, who or me(), reason, say, slug=slug, dry_run=dry_run)
        return {"slug": record.slug, "id": record.id, "rows": manifest.rows, "dry_run": dry_run}


def clone_tenant(
    slug: str, wanted: New, reason: str, say: Callable[[str], None], *, without: Sequence[str] = (), who: str = "",
    dry_run: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Make a tenant with a copy of everything that this one has; see `cloning.clone`."""
    with _at_tenants() as (session, plan):
        who = who or me()
        return cloning.clone(session, plan, slug, wanted, who, reason, say, without=without, dry_run=dry_run)


def leaving_tenant(slug: str, file: Path) -> dict[str, Any]:
    """What a removal would take: the slug and the archive's rows. Raises what forbids it at once. Only reads."""
    with _at_tenants(read_only=True) as (session, plan), unpacking.opened(file) as archive:
        record = registry.find(session, plan, slug)
        leaving.refuse(plan, record, archive.manifest.tenant.id)
        return {"slug": record.slug, "rows": archive.manifest.rows, "taken_at": archive.manifest.taken_at}


def remove_tenant(slug: str, file: Path, reason: str, say: Callable[[str], None], *, who: str = "") -> dict[str, Any]:
    """Take a tenant out for good, where this archive holds all it has; see `leaving.remove`. There is no undo."""
    with _at_tenants() as (session, plan):
        return leaving.remove(session, plan, slug, file, who or me(), reason, say)


def environment_of(slug: str, url: str) -> dict[str, str]:
    """What the tenant's application is told; see `environment.lines`. Only reads."""
    with _at_tenants(read_only=True) as (session, plan):
        return environment.lines(registry.find(session, plan, slug), url)
