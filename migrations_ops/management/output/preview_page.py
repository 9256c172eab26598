"""A preview as one page of HTML that needs nothing else: no script, no picture, no font from elsewhere."""

from typing import Any

from django.template.loader import render_to_string

from migrations_ops.management.output.preview_warnings import time, warnings

Document = dict[str, Any]


def preview_page(document: Document) -> str:
    return render_to_string("migrations_ops/preview.html", facts(document))


def facts(document: Document) -> Document:
    """The preview as templates show it: figures as texts."""
    # Lists of pairs: in a template `tables.items` of a plan with a table called `items` would be that table.
    tenants = list(document["total"]["tenants"])
    tables = [_table(name, table, tenants) for name, table in document["tables"].items()]
    return {
        "plan": document["plan"] | {"file": document["plan_file"]},
        "tenants": tenants,
        "tables": tables,
        "total": _owners(document["total"], tenants),
        "worries": list(warnings(document)),
        "time": time(document),
        "against": document.get("against"),
    }


def _owners(table: Document, tenants: list[str]) -> Document:
    return {
        "rows": _figure(table["rows"]),
        "owned": _by_tenant(table["tenants"], tenants),
        "unassigned": _figure(table["unassigned"]),
    }


def _figure(number: int | None) -> str:
    """A number as people read it; an empty place where there is nothing."""
    return f"{number:,}" if number else ""


def _by_tenant(rows: dict[str, int], tenants: list[str]) -> list[str]:
    return [_figure(rows.get(tenant)) for tenant in tenants]


def _rows(samples: list[Document]) -> list[Document]:
    return [sample | {"values": list(sample["values"].items())} for sample in samples]


def _table(name: str, table: Document, tenants: list[str]) -> Document:
    rules = [
        {
            "name": rule,
            "decides": f"{table['rules'][rule]:,}",
            "matches": f"{table['matches'][rule]:,}" if rule in table["matches"] else "",
            "owned": _by_tenant(owned, tenants),
            "samples": _rows(table["samples"].get(rule, [])),
        }
        for rule, owned in table["matrix"].items()
    ]
    others = [
        {"name": words, "rows": _figure(sum(rows.values())), "owned": _by_tenant(rows, tenants)}
        for words, rows in (("stay where they are", table["stay"]), ("new rows, added by the run", table["added"]))
        if rows
    ]
    facts = {"name": name, "rules": rules, "others": others, "unknown": _rows(table["unknown"])}
    return _owners(table, tenants) | facts
