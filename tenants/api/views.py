"""What every endpoint stands on. The middleware has opened the transaction: whatever a view reads is isolated."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django.db import connection
from django.http import HttpResponse, JsonResponse, QueryDict
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from tenants import bounds
from tenants.errors import (
    AdminsOnly,
    AnotherTenantsRow,
    BadParameter,
    BadRequestBody,
    ReadsOnly,
    SharedResource,
    TenantNeeded,
)
from tenants.identity import Caller, TenantInfo, TenantRequest

DEEPEST = 100
DIGITS = 18  # what a bigint surely holds


class OnlyJson(BaseContentNegotiation):
    """Whatever a client says it accepts, the answer is JSON; a body is JSON or refused."""

    def select_parser(self, request: Request, parsers: list[BaseParser]) -> BaseParser | None:  # type: ignore[override]
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return parsers[0] if kind == "application/json" else None

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type or "application/json"


class TenantView(APIView):
    """An endpoint. A verb without a method of its name is 405.

    `cacheable`    its GET may be remembered for half a second, by tenant and address.
    `open_to_all`  its GET needs no credential.
    `for_operators`  nobody but a super_admin is let in, no tenant need be chosen, and there is no transaction.
    `reads_rows`   its answer is made of rows, in one transaction; else of what the service knows, without any.
    """

    cacheable: ClassVar[bool] = False
    open_to_all: ClassVar[bool] = False
    for_operators: ClassVar[bool] = False
    reads_rows: ClassVar[bool] = True
    content_negotiation_class = OnlyJson
    parser_classes = [JSONParser]

    @property
    def tenant_request(self) -> TenantRequest:
        """The request as the middleware has made it ready."""
        return cast(TenantRequest, self.request._request)

    @property
    def caller(self) -> Caller:
        caller = self.tenant_request.caller
        assert caller is not None  # nobody comes here without
        return caller

    @property
    def tenant(self) -> TenantInfo | None:
        return self.tenant_request.acting_tenant

    def writing_tenant(self) -> TenantInfo:
        """The tenant that a write is for. Raises TenantNeeded."""
        if self.tenant is None:
            raise TenantNeeded
        return self.tenant

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        return HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def parameter(self, name: str, default: str = "") -> str:
        """A parameter of the address, as a text that a database could hold."""
        value = self.request.GET.get(name, default)
        if not bounds.is_text(value):
            raise BadParameter(f"The parameter {name} is longer than any, or holds a character that no text has.")
        return value

    def whole_number(self, name: str, default: int, *, least: int, most: int) -> int:
        """A parameter that is a number, capped at `most`."""
        text = self.parameter(name)
        if not text:
            return default
        if not text.isascii() or not text.isdecimal() or int(text[:DIGITS]) < least:
            raise BadParameter(f"The parameter {name} must be a whole number of at least {least}.")
        return most if len(text) > DIGITS else min(int(text), most)

    def flag(self, name: str) -> bool | None:
        """A parameter that is true or false; None where it is not given."""
        text = self.parameter(name).lower()
        if text in ("", "all"):
            return None
        if text not in ("true", "false", "1", "0"):
            raise BadParameter(f"The parameter {name} must be true or false.")
        return text in ("true", "1")

    def body(self, shape: type[Serializer[Any]], **options: Any) -> dict[str, Any]:
        """The request's body, once it has this shape.

        Raises what `checked` does, and rest_framework's errors for what is no JSON at all.
        """
        return self.checked(shape, self.json_object(), **options)

    def checked(self, shape: type[Serializer[Any]], given: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """These values, once they have this shape, with what the shape does not name under its own names.

        Raises BadRequestBody.
        """
        checked = shape(data=given, **options)
        if not checked.is_valid():
            raise BadRequestBody(_sentence(checked.errors), details=checked.errors)
        values: dict[str, Any] = checked.validated_data
        return values

    def json_object(self) -> dict[str, Any]:
        """The body as an object."""
        given = self._json()
        if not isinstance(given, dict) or isinstance(given, QueryDict) or not self.request.content_type:
            raise BadRequestBody("The body must be a JSON object.")
        return given

    def json_list(self) -> list[Any] | None:
        """The body as a list, None where it is none."""
        given = self._json()
        return given if isinstance(given, list) else None

    def _json(self) -> object:
        try:
            given = self.request.data
        except RecursionError as error:
            raise BadRequestBody("The body is nested too deeply.") from error
        _refuse_what_cannot_be_stored(given, 0)
        return given


def _sentence(found: Mapping[str, Any]) -> str:
    missing = [name for name, problems in found.items() if any(getattr(p, "code", "") == "required" for p in problems)]
    if missing:
        return f"Missing required fields: {', '.join(missing)}."
    return f"These fields cannot be used: {', '.join(found)}."


def _refuse_what_cannot_be_stored(value: object, depth: int) -> None:
    """PostgreSQL's text knows neither NUL nor half of a character; nobody needs a hundred levels."""
    if depth > DEEPEST:
        raise BadRequestBody("The body is nested too deeply.")
    match value:
        case str():
            if bounds.NO_TEXT.search(value):
                raise BadRequestBody("The body holds a character that no text has.")
        case dict():
            for name, part in value.items():
                _refuse_what_cannot_be_stored(name, depth)
                _refuse_what_cannot_be_stored(part, depth + 1)
        case list():
            for part in value:
                _refuse_what_cannot_be_stored(part, depth + 1)


def may_write(caller: Caller, tenant: TenantInfo, row_tenant: str | None, *, platform: str, admins_only: bool) -> None:
    """Raise unless this caller may write a row of `row_tenant`: SharedResource for the Platform's, else Forbidden."""
    if row_tenant != tenant.id:
        if row_tenant == platform:
            raise SharedResource
        raise AnotherTenantsRow
    if not caller.may_write:
        raise ReadsOnly
    if admins_only and not caller.is_admin:
        raise AdminsOnly


def rows(statement: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of one statement in the request's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def raw_rows(statement: str, params: Mapping[str, Any]) -> list[tuple[bytes, ...]]:
    """The same as the bytes that PostgreSQL has sent: what goes to the client as it is need not become text before.

    For columns that are never NULL, in a request that only reads: the transaction ends with it.
    """
    with connection.cursor() as cursor, connection.wrap_database_errors:
        result = cursor.execute_last(statement, params).pgresult
        numbers = range(result.ntuples)
        columns = ([result.get_value(row, column) for row in numbers] for column in range(result.nfields))
        return list(zip(*columns, strict=True))  # by column: a list is full of values, and each asked for alone


def json_bytes(content: str | bytes) -> HttpResponse:
    """JSON that the database has made, as it is."""
    return HttpResponse(content, content_type="application/json")


def json_answer(body: Mapping[str, Any], status: int = 200) -> JsonResponse:
    return JsonResponse(body, status=status)
