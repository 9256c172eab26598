"""What went wrong with a page of the admin, in its own frame: which page, what is wrong, and what to do."""

import logging
import re
from dataclasses import dataclass, replace
from functools import cache

import psycopg
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation, ValidationError
from django.db import DatabaseError
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.utils.module_loading import import_string

from tenants import errors
from tenants.admin import permissions, tenant_site
from tenants.identity import Isolation, Person, TenantRequest
from tenants.models import TenantRecord

log = logging.getLogger("vital.admin")
NO_TABLES = (
    "VITAL's own tables are not in this database, or not those of this version. As the owner of the tables, run: "
    "./manage.py migrate"
)
WHILE_OFF = (
    "While isolation is off, the service's login may not read the platform's tables; it may again once "
    "006_row_level_security is completed. As the owner of the tables: ./manage.py migrate_tenants status"
)
NOT_GRANTED = "The service's login was not granted it. As the owner of the tables, run: ./manage.py migrate"
OF_ANOTHER_PLAN = "This page is about a table or column that this database does not have: its plan is another one."
DATA = "A value in the address is not one that this page can look for."
INSUFFICIENT_PRIVILEGE, NO_TABLE, NO_COLUMN, NO_SCHEMA = "42501", "42P01", "42703", "3F000"


@dataclass(frozen=True)
class Failure:
    """The status of the answer, the page's title, what it says, and the database's own words, which name tables."""

    status: int
    title: str
    sentence: str
    of_database: str = ""

    def for_person(self, person: Person | None) -> "Failure":
        """The database's words are for the Platform's admins. What it refuses a tenant's staff is a mistake of ours."""
        if person and person.sees_all:
            return self
        return _unexpected() if person and self.of_database else replace(self, of_database="")


def page_of(request: TenantRequest, error: Exception) -> HttpResponse:
    """The page that stands in for the one which failed, made in a transaction of its own; where accounts cannot be read
    either, one for anybody."""
    failure = explained(error, request.isolation or Isolation()).for_person(request.person)
    if failure.status >= 500:
        log.error("unexpected error", exc_info=error)
    answer = _in_own_transaction(request, failure)
    for name, value in error.headers.items() if isinstance(error, errors.Refusal) else ():
        answer[name] = value
    return answer


def _in_own_transaction(request: TenantRequest, failure: Failure) -> HttpResponse:
    try:
        with permissions.accounts():
            request.user = request.person.user if request.person else AnonymousUser()
            return _rendered(request, failure)
    except (DatabaseError, psycopg.Error):
        request.user = AnonymousUser()
        return _rendered(request, failure)


def _rendered(request: TenantRequest, failure: Failure) -> HttpResponse:
    of_tenant = request.path_info.startswith("/admin/own/") or (request.person and not request.person.sees_all)
    site = tenant_site.site if of_tenant else admin.site
    request.current_app = site.name  # templates find their links by it
    known = request.user.is_authenticated
    facts = {"title": failure.title, "failure": failure}
    facts["layout"] = "admin/base_site.html" if known else "unfold/layouts/unauthenticated.html"
    context = site.each_context(request) | facts
    return TemplateResponse(request, "tenants/failure.html", context, status=failure.status).render()


def explained(error: Exception, isolation: Isolation) -> Failure:
    """What an exception means for whoever opened the page."""
    match error:
        case Http404():
            return Failure(404, "Not found", _words(error, "There is no such page, or no such row."))
        case PermissionDenied():
            return Failure(
                403, "No permission", _words(error, "You have no permission to see this page, or to change it.")
            )
        case errors.Refusal():
            return Failure(error.status, "Not possible now", error.sentence)
        case (
            ValidationError()
            | OverflowError()
            | RecursionError()
            | UnicodeEncodeError()
            | BadRequest()
            | SuspiciousOperation()
        ):
            return Failure(400, "Invalid request", DATA)
        case DatabaseError() | psycopg.Error():
            return _of_database(error, isolation)
    if isinstance(error, tuple(map(import_string, settings.PLAIN_ERRORS))):
        return Failure(409, "Not possible now", str(error))
    return _unexpected()


def _of_database(error: Exception, isolation: Isolation) -> Failure:
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    state = getattr(cause, "sqlstate", None) or ""
    said = (cause.diag.message_primary or "" if isinstance(cause, psycopg.Error) else "").rstrip(".")
    of_vital = bool(_own_names() & set(re.findall(r"\w+", said)))
    if state == INSUFFICIENT_PRIVILEGE:
        return Failure(409, "Cannot be read now", WHILE_OFF if isolation.is_off and not of_vital else NOT_GRANTED, said)
    if state in (NO_TABLE, NO_COLUMN, NO_SCHEMA):
        return Failure(409, "Not in this database", NO_TABLES if of_vital else OF_ANOTHER_PLAN, said)
    if state.startswith("22"):
        return Failure(400, "Invalid request", DATA)
    refusal = errors.refusal_of(error)
    return Failure(refusal.status, "Not possible now", refusal.sentence) if refusal.status == 503 else _unexpected()


@cache
def _own_names() -> frozenset[str]:
    """The schema and the tables of VITAL's own, as the database names them."""
    own_models = (model for model in apps.get_models() if model._meta.app_label != "catalog" and model != TenantRecord)
    return frozenset({settings.OWN_SCHEMA} | {model._meta.db_table for model in own_models})


def _unexpected() -> Failure:
    return Failure(500, "Something went wrong", errors.Unexpected().sentence)


def _words(error: Exception, otherwise: str) -> str:
    """What our own code says; Django's own words are for developers."""
    text = str(error)
    return text if text and "matches the given query" not in text and "“" not in text else otherwise
