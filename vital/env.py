"""The environment variables that VITAL reads, as `settings.toml` declares them, and how their text becomes a value.

A value that cannot be used raises ImproperlyConfigured with the variable's name (exit code 2); a variable that is not
declared raises KeyError, so that none is read which the documentation does not have.
"""

import os
import re
import tomllib
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

FILE = Path(__file__).parent / "settings.toml"
MADE = "<!-- made of vital/settings.toml: make settings -->"
MADE_TABLE = re.compile(rf"(?<=^## )(.+\n)([^#]*?){MADE}\n(?:\|.*\n)*", re.MULTILINE)
ON, OFF = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


@dataclass(frozen=True)
class Setting:
    """One variable. `default` is in force where it is not set; `shown` says so where a value does not. `also` is a
    second name, read after the first."""

    name: str
    group: str
    kind: str
    means: str
    default: Any = None
    shown: str = ""
    least: int = 1
    also: str = field(default="", kw_only=True)

    @property
    def default_in_words(self) -> str:
        if self.shown:
            return self.shown
        if self.default is None:
            return "none"
        if isinstance(self.default, bool):
            return "1" if self.default else "0"
        value = ", ".join(self.default) if isinstance(self.default, list) else str(self.default)
        return value if self.kind == "number" else f"`{value}`"


DECLARED = {given["name"]: Setting(**given) for given in tomllib.loads(FILE.read_text(encoding="utf-8"))["setting"]}


def env_bool(name: str) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return bool(DECLARED[name].default)
    if value not in ON | OFF:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")
    return value in ON


def env_int(name: str) -> int:
    setting, value = DECLARED[name], os.environ.get(name, "").strip()
    if not value:
        return int(setting.default)
    if not value.isdecimal() or int(value) < setting.least:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {setting.least}, not {value!r}.")
    return int(value)


def env_list(name: str) -> list[str]:
    given = [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]
    return given or list(DECLARED[name].default or [])


def env_networks(name: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(given) for given in env_list(name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be addresses or networks, as 10.0.0.0/8: {error}.") from error


def env_text(name: str) -> str:
    return os.environ.get(name) or str(DECLARED[name].default or "")


def env_url(name: str, *schemes: str) -> str:
    """Empty where it is not set. No part of the value is in a message: of one that is cut wrongly none is safe."""
    value = env_text(name)
    if not value:
        return ""
    refuse_unencoded(name, value)
    try:
        parts = urlsplit(value)
        good = parts.scheme in schemes and (parts.hostname or parts.path) and (parts.port is None or parts.port)
    except ValueError:  # its message may hold the password
        good = False
    if not good:
        raise ImproperlyConfigured(f"{name} must be a URL that begins with one of: {', '.join(schemes)}.")
    return value


def refuse_unencoded(name: str, value: str) -> None:
    """Raises ImproperlyConfigured where a URL would be cut inside its password, and a host's name be a part of that."""
    _, _, rest = value.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    if authority.count("@") > 1 or "@" in rest[len(authority) :]:
        raise ImproperlyConfigured(
            f"{name} holds an @ that is not where the host begins. In the user name and the password write "
            "%40 for @, %2F for /, %3F for ?, %23 for #."
        )


def env_path(name: str) -> Path | None:
    """None where it is neither set nor has a default."""
    text = env_text(name)
    return Path(text) if text else None


def env_secret(name: str) -> str:
    """The variable's value, or the content of the file that NAME_FILE points at (how containers hand over secrets)."""
    file = os.environ.get(f"{name}_FILE")
    if not file:
        return os.environ.get(name, "")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error}.") from error


def renewed(page: str) -> str:
    """The page with each table that stands below `MADE` as the declarations have it; its heading names the group."""
    return MADE_TABLE.sub(lambda found: f"{found[1]}{found[2]}{MADE}\n{table(found[1].strip())}", page)


def table(group: str) -> str:
    """The group's variables as the documentation shows them."""
    lines = ["| variable | default | means |", "|---|---|---|"]
    for setting in (setting for setting in DECLARED.values() if setting.group == group):
        names = f"`{setting.name}`" + (f" or `{setting.also}`" if setting.also else "")
        lines.append(f"| {names} | {setting.default_in_words} | {setting.means} |")
    return "\n".join(lines) + "\n"
