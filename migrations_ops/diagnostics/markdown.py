"""The report as a page of text."""

from typing import Any

WORST = {
    "connections": "connections at once",
    "waiting": "sessions that waited for a lock at once",
    "slow": "statements of more than a second at once",
    "slowest": "seconds of the slowest statement that was seen",
    "nobodys": "rows without a tenant",
}


def markdown(report: dict[str, Any]) -> str:
    """Verdict first, then what it stands on."""
    lines = [f"# {report['seconds'] / 3600:.1f} hours after the migration", ""]
    lines.append(f"From {report['from']} to {report['to']}, {report['looks']:,} looks.")
    if report["partial"]:
        lines.append("It was stopped before its time: the report holds what was seen until then.")
    lines += ["", "## Verdict", ""]
    lines += [f"- {worry}" for worry in report["worries"]] or ["No problems found."]
    lines += ["", "## The worst moments", "", "| | most |", "|---|---:|"]
    lines += [f"| {words} | {report['most'].get(name, 0):,.1f} |" for name, words in WORST.items()]
    lines += ["", "## Requests", ""]
    if report["requests"]:
        lines += ["| tenant | requests |", "|---|---:|"]
        lines += [f"| {tenant} | {count:,} |" for tenant, count in report["requests"].items()]
    else:
        lines.append("The service's figures were not asked for, or not to be had.")
    lines += ["", "## What happened", ""]
    lines += [f"- {event['at']}: {event['what']}" for event in report["events"]] or [
        "Nothing that was another than before."
    ]
    return "\n".join(lines) + "\n"
