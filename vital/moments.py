"""Times as people read them, the same everywhere: 30 Nov 2026, 14:05 UTC."""

from datetime import UTC, datetime

from django.utils.formats import date_format


def moment(value: datetime | str | None) -> str:
    """Of a row, or of a document, which has it as ISO 8601; an empty place where there is none."""
    if not value:
        return ""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return date_format(at.astimezone(UTC), "DATETIME_FORMAT")
