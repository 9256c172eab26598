"""Tenants for people at a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table

from migrations_ops.management.output.elements import grid


def show_tenants(console: Console, found: list[dict[str, Any]]) -> None:
    """One line a tenant."""
    tenants = grid("tenant", "name", "domain", "", "rows", left=4)
    for tenant in found:
        state = "the Platform" if tenant["is_platform"] else "" if tenant["is_active"] else "suspended"
        more = "more than " if any(rows > tenant["counted_to"] for rows in tenant["rows"].values()) else ""
        rows = sum(min(rows, tenant["counted_to"]) for rows in tenant["rows"].values())
        tenants.add_row(tenant["slug"], tenant["name"], tenant["domain"] or "", state, f"{more}{rows:,}")
    console.print(tenants)


def show_tenant(console: Console, tenant: dict[str, Any], settings: dict[str, Any]) -> None:
    """A tenant with everything that is set for it."""
    console.print(f"[bold]{tenant['name']}[/] ({tenant['slug']}), {tenant['id']}", highlight=False)
    console.print("the Platform" if tenant["is_platform"] else "active" if tenant["is_active"] else "suspended")
    console.print(f"known as {', '.join(tenant['hosts']) or 'nothing'}", highlight=False)
    if tenant["aliases"]:
        console.print(f"also by the ids {', '.join(tenant['aliases'])}", highlight=False)
    facts = Table(box=None, pad_edge=False, show_header=False)
    for name, setting in settings.items():
        facts.add_row(name, setting_text(setting))
    facts.add_row("", "")
    for name, rows in tenant["rows"].items():
        many = f"more than {tenant['counted_to']:,}" if rows > tenant["counted_to"] else f"{rows:,}"
        facts.add_row(name, f"{many} rows")
    console.print(facts)


def show_aliases(console: Console, done: str, tenant: dict[str, Any]) -> None:
    """By which ids a tenant goes, now that one was added or removed; within a second."""
    also = f", and by {', '.join(tenant['aliases'])}" if tenant["aliases"] else ""
    console.print(f"[green]{done}[/] {tenant['slug']} goes by its own id, {tenant['id']}{also}.", highlight=False)


def setting_text(setting: Any) -> str:
    """As `set` takes it."""
    return "not set" if setting is None else str(setting).lower() if isinstance(setting, bool) else str(setting)
