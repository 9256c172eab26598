"""A preview as one page of HTML that needs nothing else: no script, no picture, no font from elsewhere."""

from typing import Any

from django.template.loader import render_to_string

from migrations_ops.management.worries import time, worries

Document = dict[str, Any]


def of_preview(document: Document) -> str:
    # Lists of pairs: in a template `tables.items` of a plan with a table called `items` would be that table.
    tenants = list(document["total"]["tenants"])
    tables = [_table(name, table, tenants) for name, table in document["tables"].items()]
    facts = {
        "plan": document["plan"] | {"file": document["plan_file"]},
        "tenants": tenants,
        "tables": tables,
        "total": _owners(document["total"], tenants),
        "worries": list(worries(document)),
        "time": time(document),
        "against": document.get("against"),
    }
    return render_to_string("migrations_ops/preview.html", facts)


def _owners(table: Document, tenants: list[str]) -> Document:
    owned = [table["tenants"].get(tenant, 0) for tenant in tenants]
    return {"rows": table["rows"], "owned": owned, "unassigned": table["unassigned"]}


def _table(name: str, table: Document, tenants: list[str]) -> Document:
    rules = [
        {
            "name": rule,
            "rows": table["rules"][rule],
            "owned": [owned.get(tenant, 0) for tenant in tenants],
            "matches": table["matches"].get(rule),
            "samples": [
                sample | {"values": list(sample["values"].items())} for sample in table["samples"].get(rule, [])
            ],
        }
        for rule, owned in table["matrix"].items()
    ]
    staying = [table["stay"].get(tenant, 0) for tenant in tenants]
    unknown = [sample | {"values": list(sample["values"].items())} for sample in table["unknown"]]
    added = [table["added"].get(tenant, 0) for tenant in tenants]
    facts = {"rules": rules, "staying": staying, "stay": sum(staying), "unknown": unknown}
    return _owners(table, tenants) | facts | {"name": name, "added": added, "adds": sum(added)}
