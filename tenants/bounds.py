"""What an address may hold: texts that PostgreSQL can take, of a bounded length and depth."""

import re

from django.core.exceptions import BadRequest
from django.http import HttpRequest

LONGEST = 16_384  # characters of a parameter, or of a path
NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # NUL and halves of characters


def is_text(value: str) -> bool:
    """Whether it can be compared with what a database holds."""
    return len(value) <= LONGEST and ((value.isascii() and "\x00" not in value) or not NO_TEXT.search(value))


def check(request: HttpRequest) -> None:
    """Raises BadRequest, or SuspiciousOperation for too many parameters."""
    texts = [request.path_info, *(text for name, values in request.GET.lists() for text in (name, *values))]
    if not all(map(is_text, texts)):
        raise BadRequest("The address holds what no text has, or is too long.")
