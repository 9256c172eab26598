"""Every refusal of the API as one JSON shape: `{"error": "<one plain sentence>", "code": "<stable>", "details": …}`."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions

log = logging.getLogger("vital.api")
SOON = {"Retry-After": "1"}


class Refusal(Exception):
    """An answer other than the one asked for. The docstring is the sentence; `details` only where it helps; programs go
    by the `code`, which stays whatever the sentence becomes."""

    code = "bad_request"
    status = 400
    headers: Mapping[str, str] = {}

    def __init__(self, sentence: str = "", details: Any = None, **facts: object) -> None:
        self.sentence = sentence or " ".join((self.__doc__ or "").format(**facts).split())
        self.details = details
        super().__init__(self.sentence)


class Unauthorized(Refusal):
    """This needs a credential: a bearer token or an API key."""

    code = "credential_needed"
    status = 401
    headers = {"WWW-Authenticate": 'Bearer realm="vital"'}


class CredentialExpired(Unauthorized):
    """The token has expired."""

    code = "credential_expired"


class CredentialRefused(Unauthorized):
    """The token is not valid here."""

    code = "credential_refused"


class BadCredential(CredentialRefused):
    """This credential is not known here. Bad ones are counted, by `name` where it has one, and by address."""

    def __init__(self, sentence: str, name: str = "") -> None:
        super().__init__(sentence)
        self.name = name


class BadTenantId(Refusal):
    """The tenant id is not a UUID."""

    code = "malformed_tenant_id"


class TenantRefused(Refusal):
    """This tenant cannot be used with this credential."""

    code = "tenant_refused"
    status = 403


class TenantNeeded(Refusal):
    """Say which tenant this is for, in the header x-tenant-id."""

    code = "tenant_needed"


class NotFound(Refusal):
    """There is no such thing here."""

    code = "not_found"
    status = 404


class SharedResource(Refusal):
    """This is a shared platform resource and cannot be changed."""

    code = "shared_platform_resource"
    status = 403

    def __init__(self) -> None:
        super().__init__(details="shared platform resource")


class Forbidden(Refusal):
    """This credential may not do that."""

    code = "forbidden"
    status = 403


class AnotherTenantsRow(Forbidden):
    """This row belongs to another tenant: name it in x-tenant-id."""

    code = "row_of_another_tenant"


class ReadsOnly(Forbidden):
    """This API key may only read."""

    code = "key_reads_only"


class AdminsOnly(Forbidden):
    """Only an admin of the tenant may do that."""

    code = "admins_only"


class CrossOriginWrite(Forbidden):
    """A browser sends this credential by itself, so it writes only for pages of this origin or of an allowed one, as
    Sec-Fetch-Site or Origin must say."""

    code = "cross_origin_write"


class CsrfTokenNeeded(Forbidden):
    """A write with the admin's session needs its CSRF token, in the header x-csrftoken."""

    code = "csrf_token_needed"


class FeatureOff(Forbidden):
    """This feature is switched off for the tenant."""

    code = "feature_off"


class BadParameter(Refusal):
    """A parameter of the address cannot be used."""

    code = "bad_parameter"


class MethodNotAllowed(Refusal):
    """This method is not allowed here."""

    code = "method_not_allowed"
    status = 405


class UnsupportedMediaType(Refusal):
    """Send the body as application/json."""

    code = "unsupported_media_type"
    status = 415


class NotJson(Refusal):
    """The body is not JSON."""

    code = "not_json"


class BadRequestBody(Refusal):
    """The body cannot be used."""

    code = "bad_body"


class Conflict(Refusal):
    """Something with this key exists already."""

    code = "conflict"
    status = 409


class LimitReached(Conflict):
    """The tenant has as many of them as it may."""

    code = "limit_reached"


class RefersToNothing(Refusal):
    """The body refers to something that is not there."""

    code = "refers_to_nothing"
    status = 409


class ChangedMeanwhile(Refusal):
    """This has changed since it was read: read it again, and send what is to change."""

    code = "changed_meanwhile"
    status = 412


class TooLarge(Refusal):
    """The body is larger than this service accepts."""

    code = "body_too_large"
    status = 413


class TooSlow(Refusal):
    """The body of this request did not arrive in time."""

    code = "body_too_slow"
    status = 408
    headers = {"Connection": "close"}


class Crowded(Refusal):
    """Too many requests are arriving at once; try again."""

    code = "crowded"
    status = 503
    headers = SOON | {"Connection": "close"}


class TooMany(Refusal):
    """Too many requests for this tenant; try again after the seconds that Retry-After says."""

    code = "too_many_requests"
    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(seconds)}


class TooManyFailures(TooMany):
    """Too many failed logins; try again after the seconds that Retry-After says."""

    code = "too_many_failed_logins"


class Unavailable(Refusal):
    """The service cannot reach its database just now; try again."""

    code = "unavailable"
    status = 503
    headers = SOON


class TookTooLong(Refusal):
    """This took longer than the service allows a statement; ask for less, or try again."""

    code = "took_too_long"
    status = 503
    headers = SOON


class MigrationRequired(Refusal):
    """migration required: the next phase is {phase}."""

    code = "migration_required"
    status = 503
    headers = {"Retry-After": "30"}


class IsolationBroken(MigrationRequired):
    """tenants are not kept apart as they should be, so nothing is served: the service's log says what is wrong, and
    ./manage.py doctor what to do."""

    code = "not_isolated"


class OtherTables(Refusal):
    """The tables are not those that this version of the service works with: it is being upgraded; try again later."""

    code = "being_upgraded"
    status = 503
    headers = {"Retry-After": "30"}


class UnderMaintenance(Refusal):
    """The service is under maintenance: reads are served, writes wait. Try again after the seconds of Retry-After."""

    code = "under_maintenance"
    status = 503
    headers = {"Retry-After": "30"}


class Unexpected(Refusal):
    """Something went wrong on our side; it is in the log under this answer's x-request-id."""

    code = "unexpected"
    status = 500


def codes() -> list[str]:
    """Every code that an answer may have, of all classes that are imported by now."""
    return sorted({kind.code for kind in _kinds(Refusal)})


def by_status() -> dict[int, list[type[Refusal]]]:
    """The refusals that answer with each status."""
    found: dict[int, list[type[Refusal]]] = {}
    for kind in _kinds(Refusal):
        found.setdefault(kind.status, []).append(kind)
    return found


def _kinds(of: type[Refusal]) -> Iterator[type[Refusal]]:
    yield of
    for kind in of.__subclasses__():
        yield from _kinds(kind)


def example_of(kind: type[Refusal]) -> dict[str, Any]:
    """A body of this kind for people to read: what differs from case to case stands in braces."""
    return {"error": " ".join((kind.__doc__ or "").split()), "code": kind.code}


def body_of(refusal: Refusal) -> dict[str, Any]:
    """What an answer says of the refusal."""
    details = {"details": refusal.details} if refusal.details is not None else {}
    return {"error": refusal.sentence, "code": refusal.code} | details


def response(refusal: Refusal) -> JsonResponse:
    """The refusal as the answer to send."""
    return JsonResponse(body_of(refusal), status=refusal.status, headers=dict(refusal.headers))


def answer_to(error: Exception, context: object = None) -> JsonResponse:
    """The answer to any exception of a request; what nobody foresaw is a 500 whose cause is in the log only."""
    refusal = refusal_of(error)
    if isinstance(refusal, Unexpected | OtherTables):
        log.error("unexpected error", exc_info=error)
    return response(refusal)


def refusal_of(error: Exception) -> Refusal:
    match error:
        case Refusal():
            return error
        case RequestDataTooBig():
            return TooLarge()
        case Http404():
            return NotFound()
        case exceptions.APIException():
            return _of_rest_framework(error)
        case BadRequest() | SuspiciousOperation():
            return Refusal("This request cannot be understood.")
        case DatabaseError() | psycopg.Error():
            return _of_database(error)
    return Unexpected()


def _of_rest_framework(error: exceptions.APIException) -> Refusal:
    match error:
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed()
        case exceptions.UnsupportedMediaType():
            return UnsupportedMediaType()
        case exceptions.ParseError():
            return NotJson()
        case exceptions.ValidationError():
            return BadRequestBody(details=error.detail)
    return Unexpected()


# SQLSTATE → what it means for whoever asked; nothing of the database's own words reaches them.
UNIQUE_VIOLATION = "23505"
_MEANINGS: dict[str, type[Refusal]] = {
    UNIQUE_VIOLATION: Conflict,
    "23503": RefersToNothing,
    "42501": Forbidden,
    "42P01": OtherTables,
    "42703": OtherTables,
    "57014": TookTooLong,
}
_BUSY = ("55P03", "40001", "40P01", "53", "57P", "08", "25P03", "26000")


def _of_database(error: Exception) -> Refusal:
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    state = getattr(cause, "sqlstate", None) or ""
    if state in _MEANINGS:
        return _MEANINGS[state]()
    if state.startswith("54"):
        return BadRequestBody("A value in the body is longer, or has more levels, than the database can store.")
    if state.startswith(("22", "23")):
        return BadRequestBody("A value in the body is not one that can be stored.")
    if not state or state.startswith(_BUSY):
        down = isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError)
        return Unavailable() if down or state else Unexpected()
    return Unexpected()
