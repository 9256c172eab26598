"""The first page: is isolation on, what needs a person, what is running, who owns how much, what has changed, and who
asks for how much. It asks for itself again every ten seconds."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from migrations_ops.admin import addresses, mixins, traffic_chart
from migrations_ops.formatting import count, seconds
from migrations_ops.reports import service as reports
from vital.db.sql import relation_named, shown
from vital.errors import EngineError
from vital.moments import moment

Document = dict[str, Any]
admin.site.index_template = "migrations_ops/dashboard.html"  # django-tenants' own admin/index.html would come first


def dashboard(request: HttpRequest, context: Document) -> Document:
    """Figures for whoever may look at runs; everybody else has their pages at the side."""
    if not request.user.has_perm("migrations_ops.view_run"):
        return context
    try:
        now = reports.overview()
    except EngineError as error:
        return context | {"title": "Dashboard", "problem": str(error)}
    owned, shades = now["ownership"], _shades(now["ownership"]["tenants"])
    needs = list(needs_a_person(now))
    return context | {
        "title": "Dashboard",
        "may_act": mixins.may_act(request),
        "now": now,
        "isolation": _isolation(now),
        "needs": needs,
        "run": _run(now["run"]) if now["run"] else None,
        "runs": [_run(run) for run in now["runs"]],
        "phases": [phase | {"link": addresses.to_phase(phase["key"], phase.get("run"))} for phase in now["phases"]],
        "bars": [_bar(table, owned["tenants"], shades) for table in owned["tables"]],
        "legend": [
            {"name": name, "shade": shades[one], "link": addresses.to_tenant(one)}
            for one, name in owned["tenants"].items()
        ],
        "others": owned.get("others", 0),
        "findings": [_group(group) for group in now["findings"]],
        "drift": _drift(now),
        "validated": moment(now["validated"]),
        "chart": traffic_chart.chart(now["traffic"]),
        "as_of": {"now": moment(now["at"].isoformat()), "owned": moment(owned["at"].isoformat())},
    }


def _isolation(now: Document) -> Document:
    """Whether it is on, and for whom it is not, in words; the tables are links."""
    found: Document = now["isolation"]
    exposed = [{"name": shown(one), "link": addresses.to_rows(one)} for one in found["exposed"]]
    mood = "good" if found["on"] and not (exposed or found["unbound"]) else "warn" if found["on"] else "bad"
    return found | {"exposed": exposed, "mood": mood, "isolated": found["tables"] - len(exposed)}


def needs_a_person(now: Document) -> Iterator[Document]:
    """What waits for somebody, the most urgent first, each with where it is decided."""
    run, failed = now["run"], next((phase for phase in now["phases"] if phase["status"] == "failed"), None)
    if failed:
        text = f"{failed['phase']} failed: {failed['error'] or 'see its log'}"
        yield _need(
            text, addresses.to_phase(failed["phase"], failed.get("run")), f"Open run {failed.get('run')}", "bad"
        )
    if run and run["status"] in ("paused", "failed") and not (failed and failed.get("run") == run["id"]):
        text = f"{run['kind'].capitalize()} {run['id']} is {run['status']}: resume or cancel it."
        yield _need(text, addresses.to_run(run["id"]), f"Open {run['kind']} {run['id']}", "warn")
    if rows := _found(now, "FAIL"):
        yield _need(
            f"{rows:,} findings of failed checks.", addresses.to_findings(severity="FAIL"), "See the findings", "bad"
        )
    if rows := _found(now, "REVIEW"):
        link = reverse("admin:migrations_ops_finding_queue")
        yield _need(f"{rows:,} findings need a decision.", link, "Review the findings", "warn")
    for change in now["drift"]:
        yield _need(f"{shown(change['relation'])}: {change['text']}.", "#drift", "See what changed", "warn")
    if now["next"] and not run:
        link = reverse("admin:migrations_ops_run_start")
        yield _need(f"{now['next']} is next.", link, "Start a run", "calm")


def _found(now: Document, severity: str) -> int:
    return sum(group["count"] for group in now["findings"] if group["severity"] == severity)


def _group(group: Document) -> Document:
    """Findings of a check about a table; some are about none."""
    relation = relation_named(group["table"]) if group["table"] else ""
    about = {"relation": relation} if relation else {}
    link = addresses.to_findings(check_name=group["check"], **about)
    return group | {"link": link, "table_link": addresses.to_rows(relation) if relation else ""}


def _need(text: str, link: str, label: str, mood: str) -> Document:
    return {"text": text, "link": link, "label": label, "mood": mood}


def _run(run: Document) -> Document:
    """A run in words. One at work has how far its step is."""
    progress = run["progress"] or {}
    return run | {
        "name": f"{run['kind'].capitalize()} {run['id']}",
        "link": addresses.to_run(run["id"]),
        "started": moment(run["started_at"]),
        "took": seconds(run["seconds"]),
        "rows": count(run["rows_changed"]) or "0",
        "found": count(run["findings"]) or "0",
        "step": progress.get("step", ""),
        "waits_for": progress.get("waits_for", ""),
        "waits_since": moment(progress.get("waits_since")),
    }


def _shades(tenants: Document) -> dict[str, int]:
    return {tenant: number for number, tenant in enumerate(tenants, start=1)}


def _drift(now: Document) -> list[Document]:
    return [
        change | {"name": shown(change["relation"]), "link": addresses.to_rows(change["relation"])}
        for change in now["drift"]
    ]


def _bar(table: Document, tenants: dict[str, str], shades: dict[str, int]) -> Document:
    """One stacked bar: each tenant's part of the table's rows, in per cent, as a link to these rows."""
    relation, whole, owned = table["relation"], max(table["rows"], 1), table["owned"]
    parts = [
        {"name": name, "rows": owned[one], "shade": shades[one], "link": addresses.to_rows(relation, one)}
        for one, name in tenants.items()
        if owned.get(one)
    ]
    others = sum(rows for one, rows in owned.items() if one and one not in tenants)
    if others:
        parts.append(
            {"name": "all others", "rows": others, "shade": traffic_chart.OTHERS, "link": addresses.to_rows(relation)}
        )
    if owned.get(""):
        link = addresses.to_rows(relation, addresses.NO_TENANT)
        parts.append({"name": "no tenant", "rows": owned[""], "shade": 0, "link": link})
    return table | {
        "table": shown(relation),
        "link": addresses.to_rows(relation),
        "parts": [part | {"percent": round(100 * part["rows"] / whole, 2)} for part in parts],
    }
