"""The first page: what to do next, and how everything stands. It asks for itself again every ten seconds."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from migrations_ops.reports import service as reports
from vital import metrics
from vital.errors import EngineError

SHADES = 8  # colours of tenants in the style sheet; the tenants after them share the last one
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
    waiting = sum(group["count"] for group in now["findings"] if group["severity"] == "REVIEW")
    return context | {
        "title": "Dashboard",
        "now": now,
        "step": next_step(now, waiting),
        "bars": [_bar(table, now["ownership"]["tenants"]) for table in now["ownership"]["tables"]],
        "legend": [
            {"name": name, "shade": min(number, SHADES)}
            for number, name in enumerate(now["ownership"]["tenants"].values(), start=1)
        ],
        "traffic": metrics.traffic(),
    }


def next_step(now: Document, waiting: int) -> Document:
    """What a person would do first: a sentence, and where to do it."""
    runs = reverse("admin:migrations_ops_run_changelist")
    run, failed = now["run"], next((phase for phase in now["phases"] if phase["status"] == "failed"), None)
    if run and run["status"] == "running":
        return {"text": f"Run {run['id']} is at work.", "link": runs, "label": "Watch it", "mood": "calm"}
    if failed:
        text = f"{failed['phase']} failed: {failed['error'] or 'see its log'}"
        return {"text": text, "link": runs, "label": "Look at the run", "mood": "bad"}
    if run:
        text = f"Run {run['id']} is {run['status']}: resume it, or give it up."
        return {"text": text, "link": runs, "label": "Look at the run", "mood": "warn"}
    if now["drift"]:
        return {"text": f"{now['drift'][0]}.", "link": "#drift", "label": "See what changed", "mood": "warn"}
    if now["next"]:
        text = f"{now['next']} is left: start the run, or ./manage.py migrate_tenants."
        return {"text": text, "link": runs, "label": "Go to the runs", "mood": "calm"}
    if waiting:
        text = f"{waiting:,} findings wait for a person."
        return {
            "text": text,
            "link": reverse("admin:migrations_ops_finding_queue"),
            "label": "Review them",
            "mood": "warn",
        }
    return {"text": "Nothing is open.", "link": "", "label": "", "mood": "good"}


def _bar(table: Document, tenants: dict[str, str]) -> Document:
    """One stacked bar: each tenant's part of the table's rows, in per cent."""
    whole = max(table["rows"], 1)
    parts = [
        {"name": name, "rows": table["owned"][tenant], "shade": min(number, SHADES)}
        for number, (tenant, name) in enumerate(tenants.items(), start=1)
        if table["owned"].get(tenant)
    ]
    if table["owned"].get(""):
        parts.append({"name": "no tenant", "rows": table["owned"][""], "shade": 0})
    return table | {"parts": [part | {"percent": round(100 * part["rows"] / whole, 2)} for part in parts]}
