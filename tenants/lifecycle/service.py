"""The door to a tenant's life: who there is, what is set for each, a new one, one that sleeps, one that leaves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from tenants.inventory import Inventory
from tenants.inventory import inventory as plan_inventory
from tenants.lifecycle import aliases, env_file, hosts, registry, settings
from tenants.lifecycle.queries import ask
from tenants.lifecycle.registry import New
from vital.db.own_schema import me, opened
from vital.db.session import Session
from vital.errors import OutOfOrder

__all__ = [
    "New",
    "add_alias",
    "add_host",
    "add_tenant",
    "all_tenants",
    "at_tenants",
    "clone_tenant",
    "configure_tenant",
    "environment_of",
    "export_tenant",
    "import_tenant",
    "kinds_of_settings",
    "leaving_tenant",
    "remove_alias",
    "remove_host",
    "remove_tenant",
    "require_tenants",
    "rows_in_archive",
    "set_tenant_active",
    "settings_of",
    "tenant_named",
]

MADE_BY = "002_tenant_setup"


@contextmanager
def at_tenants(*, read_only: bool = False) -> Iterator[tuple[Session, Inventory]]:
    """The session and the inventory, once there are tenants."""
    with opened(Session, read_only=read_only) as session:
        require_tenants(session)
        yield session, plan_inventory(session)


def require_tenants(session: Session) -> None:
    """Raises OutOfOrder where there are no tenants yet. The service's login works as vital_operator from here on."""
    session.read_as_operator()
    if not (session.named("is_set_up")[0][0] and ask(session, "is_completed", {"phase": MADE_BY})[0][0]):
        raise OutOfOrder(phase="tenants", needed=MADE_BY)


def all_tenants() -> list[dict[str, Any]]:
    """Every tenant with its settings, host names and rows; see `registry.documents`. Only reads."""
    with at_tenants(read_only=True) as (session, inventory):
        return registry.documents(session, inventory, registry.records(session, inventory))


def tenant_named(slug: str) -> dict[str, Any]:
    """One of them. Raises NoSuchTenant."""
    with at_tenants(read_only=True) as (session, inventory):
        return registry.document(session, inventory, registry.find(session, inventory, slug))


def add_tenant(wanted: New, reason: str, *, who: str = "") -> dict[str, Any]:
    """Make a tenant that has no rows yet; see `registry.add`."""
    with at_tenants() as (session, inventory):
        return registry.document(session, inventory, registry.add(session, inventory, wanted, who or me(), reason))


def configure_tenant(slug: str, changes: Mapping[str, str], reason: str, *, who: str = "") -> dict[str, Any]:
    """Change what is set for a tenant; in force within a second. See `configure.change`."""
    with at_tenants() as (session, inventory):
        record, changed = settings.change(session, inventory, slug, changes, who or me(), reason)
        return {"slug": record.slug, "changed": changed}


def add_host(slug: str, host: str, reason: str, *, who: str = "") -> dict[str, Any]:
    """One more host name for a tenant; in force within a second. See `hosts.add`."""
    with at_tenants() as (session, inventory):
        return registry.document(session, inventory, hosts.add(session, inventory, slug, host, who or me(), reason))


def remove_host(slug: str, host: str, reason: str, *, who: str = "") -> dict[str, Any]:
    """One less; see `hosts.remove`."""
    with at_tenants() as (session, inventory):
        return registry.document(session, inventory, hosts.remove(session, inventory, slug, host, who or me(), reason))


def add_alias(slug: str, alias: str, reason: str, *, who: str = "") -> dict[str, Any]:
    """One more id for a tenant; in force within a second. See `aliases.add`."""
    with at_tenants() as (session, inventory):
        return registry.document(session, inventory, aliases.add(session, inventory, slug, alias, who or me(), reason))


def remove_alias(slug: str, alias: str, reason: str, *, who: str = "") -> dict[str, Any]:
    """One less; see `aliases.remove`."""
    with at_tenants() as (session, inventory):
        record = aliases.remove(session, inventory, slug, alias, who or me(), reason)
        return registry.document(session, inventory, record)


def settings_of(tenant: Mapping[str, Any]) -> dict[str, Any]:
    """Setting → what is set for the tenant, given as `tenant_named` has it, None where nothing is: everything that can
    be set, in the order of the documentation."""
    record = registry.Record(**{field.name: tenant[field.name] for field in fields(registry.Record)})
    return {name: settings.value_of(record, name) for name in settings.SETTINGS}


def kinds_of_settings() -> dict[str, str]:
    """Setting → what it may be, in words."""
    return {name: kind.words for name, kind in settings.SETTINGS.items()}


def set_tenant_active(slug: str, reason: str, *, active: bool, who: str = "") -> dict[str, Any]:
    """Suspend a tenant (its rows stay, nobody gets in) or let it in again; within a second. See `configure`."""
    with at_tenants() as (session, inventory):
        record = settings.set_active(session, inventory, slug, active=active, who=who or me(), reason=reason)
        return {"slug": record.slug, "is_active": record.is_active}


def export_tenant(slug: str, file: Path, say: Callable[[str], None], *, who: str = "") -> dict[str, Any]:
    """Write everything of a tenant into one archive; see `export.export`. Changes nothing here."""
    from tenants.lifecycle import export as exporting

    with at_tenants(read_only=True) as (session, inventory):
        manifest = exporting.export(session, inventory, slug, file, who or me(), say)
        tables = {table.relation: {"rows": table.rows, "fingerprint": table.fingerprint} for table in manifest.tables}
        return {"file": str(file), "slug": slug, "rows": manifest.rows, "tables": tables}


def import_tenant(
    file: Path, reason: str, say: Callable[[str], None], *, slug: str = "", who: str = "", dry_run: bool = False
) -> dict[str, Any]:
    """Make a tenant of an archive; see `import_.bring_in`."""
    from tenants.lifecycle import import_

    with at_tenants() as (session, inventory):
        record, manifest = import_.bring_in(
            session, inventory, file, who or me(), reason, say, slug=slug, dry_run=dry_run
        )
        return {"slug": record.slug, "id": record.id, "rows": manifest.rows, "dry_run": dry_run}


def rows_in_archive(file: Path) -> int:
    """How many rows an archive says it has. Raises NoArchive."""
    from tenants.lifecycle import unpacking

    with unpacking.opened(file) as archive:
        return archive.manifest.rows


def clone_tenant(
    slug: str, wanted: New, reason: str, say: Callable[[str], None], *, without: Sequence[str] = (), who: str = "",
    dry_run: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Make a tenant with a copy of everything that this one has; see `clone.clone`."""
    from tenants.lifecycle import clone as cloning

    with at_tenants() as (session, inventory):
        who = who or me()
        return cloning.clone(session, inventory, slug, wanted, who, reason, say, without=without, dry_run=dry_run)


def leaving_tenant(slug: str, file: Path) -> dict[str, Any]:
    """What a removal would take: the slug and the archive's rows. Raises what forbids it at once. Only reads."""
    from tenants.lifecycle import delete, unpacking

    with at_tenants(read_only=True) as (session, inventory), unpacking.opened(file) as archive:
        record = registry.find(session, inventory, slug)
        delete.refuse(inventory, record, archive.manifest.tenant.id)
        return {"slug": record.slug, "rows": archive.manifest.rows, "taken_at": archive.manifest.taken_at}


def remove_tenant(slug: str, file: Path, reason: str, say: Callable[[str], None], *, who: str = "") -> dict[str, Any]:
    """Take a tenant out for good, where this archive holds all it has; see `delete.remove`. There is no undo."""
    from tenants.lifecycle import delete

    with at_tenants() as (session, inventory):
        return delete.remove(session, inventory, slug, file, who or me(), reason, say)


def environment_of(slug: str, url: str) -> dict[str, str]:
    """What the tenant's application has in its environment; see `env_file`. Only reads."""
    with at_tenants(read_only=True) as (session, inventory):
        return env_file.lines(registry.find(session, inventory, slug), url)
