"""Figures as people read them."""


def size(number: float) -> str:
    """Bytes."""
    for unit, least in (("GB", 1e9), ("MB", 1e6)):
        if abs(number) >= least:
            return f"{number / least:,.1f} {unit}"
    return f"{number / 1e3:,.0f} kB"


def seconds(number: float | None) -> str:
    """A time: tenths of seconds, or minutes, or hours."""
    if number is None:
        return ""
    if number < 100:
        return f"{number:,.1f} s"
    minutes, rest = divmod(round(number), 60)
    return f"{minutes} min {rest:02} s" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def milliseconds(number: float | None) -> str:
    """Seconds of a lock."""
    return f"{number * 1000:,.0f} ms" if number else ""


def count(number: int | None) -> str:
    """A number of rows; an empty place where there is nothing."""
    return f"{number:,}" if number else ""
