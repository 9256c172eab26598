"""`./manage.py check --deploy`: a deployment is stopped where isolation has a gap."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def isolation_stands(app_configs: Any, **options: Any) -> Sequence[CheckMessage]:
    """Errors for gaps, such as a new table with a tenant column and no policy; warnings for what must be trusted."""
    from migrations_ops.diagnostics import service as diagnostics  # every command registers this, and few run it

    found: list[CheckMessage] = []
    for sign in diagnostics.examine_isolation():
        if sign.state == "fail":
            found.append(Error(sign.seen, hint=sign.fix, obj=sign.name, id="vital.E001"))
        elif sign.state == "warn":
            found.append(Warning(sign.seen, hint=sign.fix, obj=sign.name, id="vital.W001"))
    return found
