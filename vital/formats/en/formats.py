"""Dates as the admin shows them, the same everywhere: 30 Nov 2026, 14:05 UTC."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i e"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j M Y, H:i e"
