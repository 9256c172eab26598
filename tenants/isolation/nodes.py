"""Isolation on each node of a cluster: whatever the coordinator says, it is the shards that hold the rows."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tenants.isolation.difference import NODES, Difference
from tenants.isolation.queries import query
from vital.db import sql
from vital.db.cluster import Ask, Form
from vital.db.roles import TENANT_ROLE
from vital.db.sql import shown

Part = dict[str, Any]
AGAIN = "./manage.py distribute --undo --yes, then ./manage.py distribute --yes"
DOWN = "start it: until then whoever has rows there gets 503; what is there is looked at afterwards"
NOT_ASKED = "let nodes in as the role that asks (pg_hba.conf): tenants may read there, and nobody knows what holds"
LOOKED_AT = (
    ("enabled", "row level security"),
    ("forced", "FORCE ROW LEVEL SECURITY"),
    ("policies", "policies"),
    ("triggers", "triggers"),
)


def differences(ask: Ask, form: Form) -> Iterator[Difference]:
    """Of each node against the coordinator, whose tables are compared with the plan. None where nothing is placed."""
    if not form.placement:
        return
    for whom, setting, value, statement in ask(query("propagation")):
        what, found = f"settings of {whom}", f"{setting} = {value}"
        yield Difference(NODES, "", what, f"no {setting}", found, True, f"{statement};", own=False)
    tables = list(form.placement)
    command = sql.literal(sql.text_of(query("held_by_node", tables=sql.literal(tables))))
    answers = ask(query("on_every_node", command=command))
    here = [json.loads(result) for _, is_coordinator, success, result in answers if is_coordinator and success]
    expected = {part["table"]: part for part in here[0]["tables"] if not part["shard"]} if here else {}
    for node, _, success, result in answers:
        if not success:
            serves = _serves_tenants(ask, node)
            fix = NOT_ASKED if serves else DOWN
            yield Difference(NODES, "", f"node {node}", "it answers", f"it does not: {result}", serves, fix)
            continue
        found = json.loads(result)
        yield from _of_tables(node, found["tables"], expected, tables)
        for role, rights in (found["roles"] or {}).items():
            if rights:
                fix = f"on {node}: take it from {role}"
                yield Difference(NODES, "", f"role {role} on {node}", "nothing beside its grants", rights, True, fix)


def _serves_tenants(ask: Ask, node: str) -> bool:
    """Whether a node that does not answer who asks may answer tenants all the same: a node that is down leaks nothing.
    True where this login cannot tell."""
    ((before, may_ask),) = ask(query("role_to_ask_as"))
    if not may_ask:
        return True
    ask(query("ask_as", role=sql.literal(TENANT_ROLE)))
    host, _, port = node.rpartition(":")
    reaches = bool(ask(query("reaches_node", host=sql.literal(host), port=sql.literal(port)))[0][0])
    ask(query("ask_as", role=sql.literal(before)))
    return reaches


def _of_tables(
    node: str, parts: Sequence[Part], expected: dict[str, Part], tables: Sequence[str]
) -> Iterator[Difference]:
    """A node has a table's name and its own shards; without the name its shards count all the same."""
    for part in parts:
        wanted = expected.get(part["table"])
        if wanted is None or part["table"] not in tables:
            continue
        where = f"shard {part['shard']}" if part["shard"] else shown(part["table"])
        for fact, words in LOOKED_AT:
            # A table's name on a worker has no triggers: those fire where the rows are.
            if part[fact] != wanted[fact] and not (fact == "triggers" and not part["shard"]):
                what = f"{words} of {where} on {node}"
                seen = "off" if part[fact] is False else "missing" if part[fact] is None else "another"
                yield Difference(NODES, part["table"], what, "as on the coordinator", seen, True, AGAIN)


def let_in(ask: Ask) -> Iterator[tuple[str, list[str] | None]]:
    """Of each node, who is let in there as one of VITAL's roles without a password and from elsewhere than the machine
    itself, in the words of pg_hba.conf; None where this login may not read it."""
    may_read = bool(ask(query("may_read_hba"))[0][0])
    command = sql.literal(sql.text_of(query("lets_in")))
    for node, _, success, result in ask(query("on_every_node", command=command)) if may_read else ():
        yield node, json.loads(result) if success else None
    if not may_read:
        yield "every node", None
