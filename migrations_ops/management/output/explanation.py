"""Why a row is where it is, in words for people."""

from typing import Any

from rich.console import Console
from rich.text import Text

Document = dict[str, Any]


def show_explanation(console: Console, document: Document) -> None:
    tenant = document["tenant"]
    now = f"belongs to {tenant['name']} ({tenant['id']})" if tenant else "has no tenant"
    console.print(Text(f"{document['table']} {document['key']}", "bold").append(f" {now}", "default"))
    for line in _lines(document):
        console.print(Text(f"  {line}"))


def _lines(document: Document) -> list[str]:
    before, person = document["before_migration"], document["decided_by_person"]
    lines = [f"before the migration: {before['name'] if before else 'no tenant'}"]
    if document["rule"]:
        source = f"{document['phase']}, run {document['run']}, {document['by']}"
        lines.append(f"decided {document['at'][:19]} by the rule “{document['rule']}” ({source})")
    if document["condition"]:
        lines.append(f"it applies where {document['condition']}")
    if document["values"]:
        lines.append(f"the row has {_values(document['values'])}")
    if document["still_matches"] is False:
        lines.append("it does not match any more: the row, its parent or the plan has changed since")
    for one in document["evidence"]:
        lines.append(f"other rows have a say, “{one['rule']}”: {one['says']}")
    for other in document["also_matching"]:
        lines.append(f"also matches “{other['rule']}”{_to(other['tenant'])}: {other['condition']}")
    if person:
        lines.append(f"decided by {person['by']}, {person['at']}: {person['reason']}")
    if document["refused"]:
        lines.append(f"it has refused its tenant: {document['refused']}")
    if document["moved_since"]:
        lines.append("it has been moved since")
    return lines + [f"{entry['at'][:19]}  {_what(entry)}" for entry in document["history"]]


def _values(values: dict[str, str | None]) -> str:
    return ", ".join(f"{name} = {'nothing' if value is None else value}" for name, value in values.items())


def _to(tenant: str | None) -> str:
    return f" (to {tenant})" if tenant else ""


def _what(entry: Document) -> str:
    after = (entry["after"] or {}).get("name") or ("inserted" if entry["kind"] == "insert" else "no tenant")
    before = f", before {entry['before']['name']}" if entry["before"] else ""
    undone = f", undone {entry['undone_at']}" if entry["undone_at"] else ""
    return f"{after}: {entry['rule']} ({entry['phase']}, run {entry['run']}, {entry['by']}{before}{undone})"
