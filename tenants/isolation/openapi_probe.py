"""The attack run against an API that is anybody's: what one credential is shown, asked for with another's.

The rows are those that the API lists. Reading is tried always; writing only where it is asked for, since what leaks is
written: a row is replaced by itself, and deleted last.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tenants.isolation.clients import Caller, Response
from tenants.isolation.openapi import SAFE, Operation
from tenants.isolation.report import HELD, LEAK, NOT_TRIED, Attempt, Report

EACH = 2  # rows of a victim that are tried with one operation
NOBODY = "nobody"
KEY = re.compile(r"(^|_)(id|uuid|key|slug|code)$|Id$", re.IGNORECASE)
TENANT = re.compile(r"tenant|organi[sz]ation|org_?id|account|workspace", re.IGNORECASE)
BROKEN, TOO_MANY = 500, 429


@dataclass
class Holder:
    """A tenant with its credential, and the keys that the API showed it, by the path of the list."""

    name: str
    headers: Mapping[str, str] = field(repr=False)
    seen: dict[str, list[str]] = field(default_factory=dict)

    @property
    def everything(self) -> set[str]:
        return {key for keys in self.seen.values() for key in keys}


def prove(operations: Sequence[Operation], holders: Sequence[Holder], caller: Caller, *, writes: bool) -> Report:
    """The attack run. Raises what the caller does where the API does not answer."""
    run = Run(operations, caller)
    started = time.monotonic()
    for holder in holders:
        run.look(holder)
    order = sorted(operations, key=lambda one: one.method == "DELETE")
    for victim in holders:
        others = [holder for holder in holders if holder is not victim]
        private = dict(_private(victim, others))
        for attacker in (*others, Holder(NOBODY, {})):
            for operation in order:
                run.attack(operation, attacker, victim, private, writes=writes)
    run.report.seconds = time.monotonic() - started
    return run.report


def _private(victim: Holder, others: Sequence[Holder]) -> Iterator[tuple[str, list[str]]]:
    """What the API itself shows to others is no secret."""
    public = set().union(*(other.everything for other in others)) if others else set()
    for path, keys in victim.seen.items():
        yield path, [key for key in keys if key not in public]


class Run:
    """One attack run over a set of operations."""

    def __init__(self, operations: Sequence[Operation], caller: Caller) -> None:
        self.operations, self.caller, self.report = operations, caller, Report()

    def look(self, holder: Holder) -> None:
        """Which keys each list shows it."""
        lists = [one for one in self.operations if one.method == "GET" and not one.in_path]
        for one in lists:
            answer = self._call(one, {}, holder)
            if answer.status == 200:
                holder.seen.setdefault(one.path.rstrip("/"), []).extend(_keys(answer.text))
        if not holder.everything:
            self.report.leave_out(
                f"the API as {holder.name}", "no list shows it a row: is its credential the right one?"
            )

    def attack(
        self, one: Operation, attacker: Holder, victim: Holder, private: Mapping[str, list[str]], *, writes: bool
    ) -> None:
        if one.in_path:
            keys = private.get(one.collection, [])[:EACH]
            if not keys:
                self.report.leave_out(one.name, "no row of a tenant alone is known for it")
            elif one.method not in SAFE and not writes:
                self.report.leave_out(one.name, "it writes: --writes tries it, on a system where a leak may do harm")
            else:
                for key in keys:
                    self._one_row(one, attacker, victim, key)
        elif one.method == "GET":
            self._lists(one, attacker, victim, [key for keys in private.values() for key in keys])
        elif one.method not in SAFE:
            self.report.leave_out(one.name, "it makes a new row, which nothing here could remove")

    def _one_row(self, one: Operation, attacker: Holder, victim: Holder, key: str) -> None:
        """The answer must be the one about a row that does not exist."""
        if len(one.in_path) > 1:
            return self.report.leave_out(one.name, "it has several keys in its path")
        (name,) = one.in_path
        getting = next((o for o in self.operations if o.path == one.path and o.method == "GET"), None)
        before = self._call(getting, {name: key}, victim) if getting else None
        if before is not None and before.status != 200:
            return self._note(one, attacker, victim, NOT_TRIED, f"the owner itself is answered {before.status}")
        body = _object(before.text) if before and one.method in {"PUT", "PATCH"} else None
        unknown = _unknown(key)
        absent = self._call(one, {name: unknown}, attacker, body)
        answer = self._call(one, {name: key}, attacker, body)
        after = self._call(getting, {name: key}, victim) if getting and one.method not in SAFE else before
        if answer.status >= BROKEN or answer.status == TOO_MANY:
            return self._note(one, attacker, victim, NOT_TRIED, f"the API answered {answer.status}")
        if after is not None and before is not None and (after.status, after.text) != (before.status, before.text):
            return self._note(one, attacker, victim, LEAK, "the row was changed or deleted")
        same = (answer.status, answer.text.replace(key, "")) == (absent.status, absent.text.replace(unknown, ""))
        if answer.status < 300 and not same:
            return self._note(one, attacker, victim, LEAK, f"it answered {answer.status}")
        if answer.status != absent.status:
            detail = f"it answered {answer.status}, and {absent.status} about a row that does not exist"
            return self._note(one, attacker, victim, LEAK, detail)
        return self._note(one, attacker, victim, HELD)

    def _lists(self, one: Operation, attacker: Holder, victim: Holder, keys: Sequence[str]) -> None:
        """As it is, filtered by the victim's keys, and in the victim's name."""
        asked: list[dict[str, str]] = [{}]
        asked += [{name: key} for name in one.free if KEY.search(name) for key in keys[:EACH]]
        asked += [{name: victim.name} for name in one.free if TENANT.search(name)]
        for query in asked:
            answer = self._call(one, {}, attacker, None, query)
            if answer.status == 200:
                shown = set(_keys(answer.text)) & set(keys)
                detail = f"it shows {len(shown)} rows" + (f" by {next(iter(query))}" if query else "")
                self._note(one, attacker, victim, LEAK if shown else HELD, detail if shown else "")
            elif answer.status >= BROKEN or answer.status == TOO_MANY:
                self._note(one, attacker, victim, NOT_TRIED, f"the API answered {answer.status}")
            else:
                self._note(one, attacker, victim, HELD)

    def _call(
        self,
        one: Operation,
        values: Mapping[str, str],
        holder: Holder,
        body: object = None,
        query: Mapping[str, str] | None = None,
    ) -> Response:
        return self.caller.call(one.method, one.address(values, **(query or {})), holder.headers, body)

    def _note(self, one: Operation, attacker: Holder, victim: Holder, outcome: str, detail: str = "") -> None:
        if outcome == NOT_TRIED:
            self.report.leave_out(f"{one.name} as {attacker.name}", detail)
        self.report.add(Attempt(attacker.name, victim.name, "endpoint", one.path, one.method, outcome, detail))


def _keys(text: str) -> list[str]:
    """The keys in a JSON answer: of the rows themselves, before those that they refer to."""
    found: list[str] = []

    def visit(part: Any) -> None:
        for name, value in part.items() if isinstance(part, dict) else ():
            if KEY.search(str(name)) and not TENANT.search(str(name)) and isinstance(value, str | int):
                found.append(str(value))
        for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            visit(inner)

    visit(_object(text))
    return list(dict.fromkeys(found))


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _unknown(key: str) -> str:
    """A key of the same kind that no row has."""
    if key.lstrip("-").isdigit():
        return str(2**31 - 1 - len(key))
    return str(uuid4()) if re.fullmatch(r"[0-9a-fA-F-]{36}", key) else "no-such-" + key[::-1]
