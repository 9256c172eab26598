"""Commands and webhooks of the operator's own, before and after a run and each of its phases.

No shell reads a command, and no secret is written down: a hook is known by its name, what it prints goes to the
terminal, and a webhook's address may come from a variable.
"""

import json
import os
import subprocess
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vital.errors import EngineError

MOMENTS = ("before run", "after run", "before phase", "after phase")
KEYS = {"name", "when", "phases", "command", "url", "url_env", "timeout"}
TIMEOUT = 30  # seconds
STDERR = 2  # of the process itself: a worker's sys.stderr may be no file
# What restarts an application must not hand the owner's credentials on to it.
KEPT_BACK = (
    *("DATABASE_URL", "SUPABASE_DB_URL", "VITAL_MIGRATIONS_DATABASE_URL", "REDIS_URL", "PGPASSWORD"),
    *("VITAL_SECRET_KEY", "SUPABASE_JWT_SECRET"),
)


class HooksUnreadable(EngineError):
    """The file of hooks {file} cannot be used: {reason}. Nothing was changed. See docs/how-to/hooks.md."""

    exit_code = 2


class HookFailed(EngineError):
    """The hook "{name}" ({when}) failed: {reason}. {so} Correct the hook, or take it out of {file}, and run again."""


@dataclass(frozen=True)
class Hook:
    """One `[[hook]]`: a command as a list of words, or a webhook; `phases` are numbers or keys, all where empty."""

    name: str
    when: str
    phases: tuple[str, ...]
    timeout: float
    command: tuple[str, ...] = ()
    url: str = field(default="", repr=False)

    def is_for(self, when: str, phase: str) -> bool:
        return self.when == when and (not self.phases or any(phase.startswith(name) for name in self.phases))


def load(file: Path | None) -> tuple[Hook, ...]:
    """The hooks of the file, in its order; none without one. Raises HooksUnreadable."""
    if file is None:
        return ()
    try:
        held = tomllib.loads(file.read_text(encoding="utf-8"))
        if unknown := held.keys() - {"hook"}:
            raise ValueError(f"it knows [[hook]] only, not {', '.join(sorted(unknown))}")
        return tuple(_hook(number, given) for number, given in enumerate(held.get("hook", []), start=1))
    except (OSError, ValueError) as error:
        raise HooksUnreadable(file=file, reason=getattr(error, "strerror", None) or error) from error


def _hook(number: int, given: dict[str, Any]) -> Hook:
    """Raises ValueError with what is wrong."""
    here = f"hook {number}"
    if unknown := given.keys() - KEYS:
        raise ValueError(f"{here} has {', '.join(sorted(unknown))}, and may have {', '.join(sorted(KEYS))}")
    if given.get("when") not in MOMENTS:
        raise ValueError(f"{here}: when is one of {', '.join(MOMENTS)}")
    if len(given.keys() & {"command", "url", "url_env"}) != 1:
        raise ValueError(f"{here} has one of command, url and url_env")
    command, phases, timeout = given.get("command", ["-"]), given.get("phases", []), given.get("timeout", TIMEOUT)
    if not _texts(command) or not command:
        raise ValueError(f'{here}: command is a list of words, such as ["pm2", "stop", "api"]')
    if not _texts(phases) or (phases and given["when"].endswith("run")):
        raise ValueError(f'{here}: phases is a list such as ["006"], for before and after a phase')
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        raise ValueError(f"{here}: timeout is a number of seconds")
    url = _address(here, given)
    name = given.get("name") or (urlsplit(url).hostname if url else Path(command[0]).name)
    return Hook(str(name), given["when"], tuple(phases), timeout, () if url else tuple(command), url)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _address(here: str, given: Mapping[str, Any]) -> str:
    variable = given.get("url_env", "")
    url = os.environ.get(variable, "") if variable else given.get("url", "")
    if variable and not url:
        raise ValueError(f"{here}: the variable {variable} is not set")
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"{here}: its address does not begin with https:// or http://")
    return str(url)


@dataclass(frozen=True)
class Hooks:
    """All of a run's, and the facts that each is given, by name, texts only."""

    file: Path | None
    hooks: tuple[Hook, ...]
    facts: Mapping[str, str]

    def fire(self, when: str, so: str, phase: str = "", **facts: str) -> Iterator[str]:
        """Call each that is for this moment, and give its name back. Raises HookFailed, which says `so`."""
        given = {**self.facts, "event": when, "phase": phase, **facts}
        for hook in self.hooks:
            if hook.is_for(when, phase):
                if reason := _posted(hook, given) if hook.url else _ran(hook, given):
                    raise HookFailed(name=hook.name, when=when, reason=reason, so=so, file=self.file)
                yield hook.name


def _ran(hook: Hook, facts: Mapping[str, str]) -> str:
    """Why it failed, or an empty text. It prints to where we complain: stdout may be a document."""
    environment = {name: value for name, value in os.environ.items() if name not in KEPT_BACK}
    environment |= {f"VITAL_{name.upper()}": value for name, value in facts.items()}
    try:
        done = subprocess.run(
            hook.command, env=environment, stdin=subprocess.DEVNULL, stdout=STDERR, timeout=hook.timeout
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {hook.timeout:g} s and was ended"
    except OSError as error:
        return f"it cannot be started ({error.strerror})"
    return f"it ended with exit code {done.returncode}" if done.returncode else ""


def _posted(hook: Hook, facts: Mapping[str, str]) -> str:
    """The same for a webhook. `text` is what Slack and its like show."""
    body = json.dumps({"text": _sentence(facts), **facts}).encode()
    request = urllib.request.Request(hook.url, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=hook.timeout):  # noqa: S310  # http and https only, see _address
            return ""
    except urllib.error.HTTPError as error:
        return f"it answered {error.code}"
    except (urllib.error.URLError, TimeoutError, OSError, ValueError) as error:
        return f"it cannot be reached ({getattr(error, 'reason', None) or type(error).__name__})"


def _sentence(facts: Mapping[str, str]) -> str:
    what = facts["phase"] or f"{facts['kind']} {facts['run']}"
    how = facts.get("status") or ("begins" if facts["event"].startswith("before") else "is over")
    why = f": {facts['error']}" if facts.get("error") else ""
    return f"VITAL, {facts['database']}: {what} {how}{why}"
