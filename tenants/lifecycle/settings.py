"""What is set for a tenant: the documented keys, each with the values that it may have; and whether it is active."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import psycopg

from tenants.inventory import Inventory
from tenants.lifecycle import hosts, registry
from tenants.lifecycle.registry import HOST, LONGEST, NoSuchTenant, PlatformStays, Record
from vital.db.session import Session
from vital.errors import EngineError, hint


class UnknownSetting(EngineError):
    """There is no setting {name}.{hint} Nothing was changed."""

    exit_code = 2


class BadSetting(EngineError):
    """{name} must be {what}, not {value!r}. Nothing was changed."""

    exit_code = 2


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a setting may be: in words, and how its text is read (ValueError where it is no such value)."""

    words: str
    read: Callable[[str], Any]


def _switch(text: str) -> bool:
    return {"true": True, "on": True, "false": False, "off": False}[text.lower()]


def _number(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if int(text) < least:
            raise ValueError(text)
        return int(text)

    return read


def _text(longest: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not 0 < len(text.strip()) <= longest:
            raise ValueError(text)
        return text.strip()

    return read


def _host(text: str) -> str:
    if not HOST.fullmatch(text.strip().lower()):
        raise ValueError(text)
    return text.strip().lower()


SWITCH = Kind("true or false", _switch)
LIMIT = Kind("a whole number, -1 for no limit", _number(-1))
AMOUNT = Kind("a whole number of at least 1", _number(1))
FEATURES = ("mode_5_enabled", "rag_enabled", "agent_creation", "knowledge_management", "tool_management",
            "prism_suite_enabled")  # fmt: skip
LIMITS = ("max_agents", "max_tools", "max_knowledge_chunks", "max_conversations", "max_agents_per_query",
          "max_requests_per_minute")  # fmt: skip
SETTINGS: dict[str, Kind] = {
    "name": Kind(f"1 to {LONGEST} characters", _text(LONGEST)),
    "domain": Kind("a host name", _host),
    "compliance_level": Kind("1 to 20 characters", _text(20)),
    **{f"features.{name}": SWITCH for name in FEATURES},
    **{f"limits.{name}": LIMIT for name in LIMITS},
    "security.require_mfa": SWITCH,
    "security.session_timeout_minutes": AMOUNT,
    "security.max_failed_login_attempts": AMOUNT,
}
OF_THE_TABLE = "a level that the table of tenants can hold"
OF_THE_RECORD = ("name", "domain", "compliance_level")
NEVER_EMPTY = ("name", "compliance_level")


def value_of(record: Record, name: str) -> Any:
    """What is set; None where nothing is."""
    if name in OF_THE_RECORD:
        return getattr(record, name)
    part, _, key = name.partition(".")
    return (record.settings.get(part) or {}).get(key)


def change(
    session: Session, inventory: Inventory, slug: str, changes: Mapping[str, str], who: str, reason: str
) -> tuple[Record, dict[str, Any]]:
    """Set these; an empty value takes a setting away. Returns the record, and name → [before, after] of what changed.

    Raises UnknownSetting, BadSetting, NotThatHost, NoSuchTenant, ReasonRequired.
    """
    wanted = {name: _read(name, text) for name, text in changes.items()}
    tenant = registry.find(session, inventory, slug).id
    facts: dict[str, Any] = {"tenant": tenant}
    with registry.changing(session, who, "configure tenant", reason, facts):
        record = _now(session, inventory, tenant)
        changed = {name: [value_of(record, name), value] for name, value in wanted.items()}
        changed = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
        record = _with(record, {name: after for name, (_, after) in changed.items()})
        if "domain" in changed:
            hosts.follow(session, inventory, record)
        try:
            registry.write(session, inventory, record)
        except (psycopg.DataError, psycopg.errors.CheckViolation) as error:
            raise BadSetting(name="compliance_level", what=OF_THE_TABLE, value=record.compliance_level) from error
        facts["changed"] = changed
    return record, changed


def set_active(session: Session, inventory: Inventory, slug: str, *, active: bool, who: str, reason: str) -> Record:
    """Suspend a tenant, or let it in again. Raises PlatformStays, NoSuchTenant, ReasonRequired."""
    record = registry.find(session, inventory, slug)
    if record.id == inventory.platform_id and not active:
        raise PlatformStays(name=record.slug)
    action = "activate tenant" if active else "suspend tenant"
    with registry.changing(session, who, action, reason, {"tenant": record.id, "slug": record.slug}):
        record = dataclasses.replace(_now(session, inventory, record.id), is_active=active)
        registry.write(session, inventory, record)
    return record


def _read(name: str, text: str) -> Any:
    """The value; None where the setting is to be taken away."""
    kind = SETTINGS.get(name)
    if kind is None:
        raise UnknownSetting(name=name or "without a name", hint=hint(name, SETTINGS, "There are"))
    if not text and name not in NEVER_EMPTY:
        return None
    try:
        return kind.read(text)
    except (ValueError, KeyError) as error:
        raise BadSetting(name=name, what=kind.words, value=text) from error


def _now(session: Session, inventory: Inventory, tenant: str) -> Record:
    """The record as it is inside the change: nobody else changes it meanwhile."""
    for record in registry.records_now(session, inventory):
        if record.id == tenant:
            return record
    raise NoSuchTenant(name=tenant, hint="")


def _with(record: Record, values: Mapping[str, Any]) -> Record:
    """The record with these values; everything else of its settings stays."""
    settings = {part: dict(keys) if isinstance(keys, dict) else keys for part, keys in record.settings.items()}
    for name, value in _nested(values):
        part, _, key = name.partition(".")
        keys = settings.get(part)
        settings[part] = keys = keys if isinstance(keys, dict) else {}
        if value is None:
            keys.pop(key, None)
        else:
            keys[key] = value
    own = {name: values[name] for name in OF_THE_RECORD if name in values}
    return dataclasses.replace(record, settings=settings, **own)


def _nested(values: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return ((name, value) for name, value in values.items() if name not in OF_THE_RECORD)
