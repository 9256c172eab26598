"""A report as one page of HTML that needs nothing else: no script, no picture, no font from elsewhere."""

from datetime import UTC, datetime
from typing import Any

from django.template.loader import render_to_string

from migrations_ops.reports import sections as words
from vital.moments import moment


def html(document: dict[str, Any], back: str = "", every_tenant: str = "") -> str:
    """In the admin `back` is the page of the run, and `every_tenant` that of all tenants' rows; a file has neither."""
    facts = {
        "title": words.title(document),
        "back": back,
        "every_tenant": every_tenant,
        "written": moment(datetime.now(UTC).isoformat()),
        "facts": words.facts(document),
        "sections": list(words.sections(document)),
        "plan": document["plan"]["text"],
    }
    return render_to_string("migrations_ops/report.html", facts)
