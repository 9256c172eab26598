"""Who changed access, written down where everything that people do is: tenants know only that place's name."""

import getpass
import socket
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def note(who: str, action: str, facts: dict[str, Any]) -> None:
    """In the transaction of the change itself, where there is one."""
    import_string(settings.AUDIT)(who, action, "", facts)


def me() -> str:
    """Who calls a command."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
