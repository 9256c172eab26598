"""The WSGI application that is served. `python -m vital.wsgi` says whether it may start, without a traceback."""

import os
from importlib import import_module

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.core.management.base import SystemCheckError
from django.http import HttpRequest
from django.urls import ResolverMatch

from vital.cli.exit_codes import fail

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vital.settings")
os.environ["VITAL_SERVING"] = "1"


class Handler(WSGIHandler):
    """An address is resolved once: the middleware has to know the view before it opens the transaction."""

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        return request.resolver_match or super().resolve_request(request)


def start() -> Handler:
    """The application, once nothing speaks against it. Raises ImproperlyConfigured or SystemCheckError."""
    django.setup(set_prefix=False)
    handler = Handler()
    from django.conf import settings

    from tenants import checks
    from vital import logs

    checks.refuse_what_is_unsafe()
    logs.configure()
    import_module(settings.ROOT_URLCONF)  # else the first request would wait for every page's module
    return handler


def checked() -> Handler:
    """The application, or one sentence and exit code 2: a worker that may not serve leaves no traceback."""
    try:
        return start()
    except (ImproperlyConfigured, SystemCheckError) as error:
        fail(error)


application = checked()
