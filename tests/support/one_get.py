"""One GET, answered by the application that is served in a process of its own; says what it has resolved, as JSON.

`python -m tests.support.one_get PATH HEADERS`
"""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.support.crossing import times, watched


def counted(path: str, headers: dict[str, str]) -> dict[str, Any]:
    application = import_module("vital.wsgi").application  # sets Django up: everything else comes after

    from django.urls.resolvers import URLResolver

    from tenants import resolution
    from tenants.auth import authentication
    from tenants.isolation.clients import WsgiCaller

    with watched() as entered:
        answer = WsgiCaller(application).call("GET", path, headers)
    functions: dict[str, Callable[..., Any]] = {
        "urls": URLResolver.resolve, "tenants": resolution.resolve, "credentials": authentication.authenticate
    }  # fmt: skip
    return {"status": answer.status} | {name: times(entered, one) for name, one in functions.items()}


if __name__ == "__main__":
    print(json.dumps(counted(sys.argv[1], json.loads(sys.argv[2]))))
