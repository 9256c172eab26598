"""Tenants for people at a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table


def everybody(console: Console, found: list[dict[str, Any]]) -> None:
    """One line a tenant."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("tenant", "name", "domain", "", "rows"):
        table.add_column(name, justify="right" if name == "rows" else "left")
    for tenant in found:
        state = "the Platform" if tenant["is_platform"] else "" if tenant["is_active"] else "suspended"
        more = "more than " if any(rows > tenant["counted_to"] for rows in tenant["rows"].values()) else ""
        rows = sum(min(rows, tenant["counted_to"]) for rows in tenant["rows"].values())
        table.add_row(tenant["slug"], tenant["name"], tenant["domain"] or "", state, f"{more}{rows:,}")
    console.print(table)


def one(console: Console, tenant: dict[str, Any], settings: dict[str, Any]) -> None:
    """A tenant with everything that is set for it."""
    console.print(f"[bold]{tenant['name']}[/] ({tenant['slug']}), {tenant['id']}", highlight=False)
    console.print("the Platform" if tenant["is_platform"] else "active" if tenant["is_active"] else "suspended")
    console.print(f"known as {', '.join(tenant['hosts']) or 'nothing'}", highlight=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, setting in settings.items():
        table.add_row(name, value(setting))
    table.add_row("", "")
    for name, rows in tenant["rows"].items():
        many = f"more than {tenant['counted_to']:,}" if rows > tenant["counted_to"] else f"{rows:,}"
        table.add_row(name, f"{many} rows")
    console.print(table)


def value(setting: Any) -> str:
    """As `set` takes it."""
    return "not set" if setting is None else str(setting).lower() if isinstance(setting, bool) else str(setting)
