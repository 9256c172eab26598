"""How the OpenAPI document describes addresses of one kind."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import serializers

from catalog.api import examples
from catalog.api.bulk import MOST
from catalog.api.resource import Resource
from tenants.api.fields import CHOICE, refusals

IF_MATCH = OpenApiParameter(
    "if-match",
    location=OpenApiParameter.HEADER,
    description="the ETag of the row as it was read: 412 where it has changed since",
)
PREFER = OpenApiParameter(
    "prefer", location=OpenApiParameter.HEADER, description="return=minimal: no row in the answer"
)
NO_ROW = {204: OpenApiResponse(description="changed; prefer: return=minimal asked for no row")}
NOT_MODIFIED = {304: OpenApiResponse(description="as the ETag in if-none-match says")}
Shape = type[serializers.Serializer[Any]]


class DoneAnswer(serializers.Serializer[object]):
    success = serializers.BooleanField()
    message = serializers.CharField()


def in_query(name: str, told: str = "", kind: OpenApiTypes = OpenApiTypes.STR, **options: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=told, **options)


def whole_number(name: str, least: int, told: str) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "integer", "minimum": least}, description=told)


LIMIT = whole_number("limit", 1, "at most 10000; more is taken for that")
SHOW_ALL = in_query("showAll", "every tenant's, for a super_admin", OpenApiTypes.BOOL)


# For PATCH nothing of a serializer would be required.
MANY_BY_ID = {
    "application/json": {
        "type": "array",
        "maxItems": MOST,
        "items": {"type": "object", "properties": {"id": {"type": "string", "minLength": 1}}, "required": ["id"]},
    }
}


def reading(name: str, parameters: list[OpenApiParameter], answer: Shape, *more: int) -> Any:
    return extend_schema(
        operation_id=name, parameters=[*CHOICE, *parameters], responses={200: answer, **NOT_MODIFIED, **refusals(*more)}
    )


def writing(
    name: str,
    parameters: list[OpenApiParameter],
    body: Any,
    answers: dict[int, Any],
    *more: int,
    shown: list[OpenApiExample],
) -> Any:
    return extend_schema(
        operation_id=name,
        parameters=[*CHOICE, PREFER, *parameters],
        request=body,
        responses=answers | refusals(*more, 409, 413),
        examples=shown,
    )


def removing(name: str, parameter: OpenApiParameter, answer: Any = DoneAnswer) -> Any:
    return extend_schema(
        operation_id=name, parameters=[*CHOICE, IF_MATCH, parameter], responses={200: answer, **refusals(404, 412)}
    )


def one_or_many(name: str, one: Shape) -> PolymorphicProxySerializer:
    """One of them, or a list."""
    return PolymorphicProxySerializer(name, [one, one(many=True)], resource_type_field_name=None, many=False)


class ResultsAnswer(serializers.Serializer[object]):
    """Of a list, all of which is carried out: for each item its status and its row, or its id where no row is shown."""

    success = serializers.BooleanField()
    results = serializers.ListField(child=serializers.DictField())


def either(name: str, one: Shape, other: Shape) -> PolymorphicProxySerializer:
    return PolymorphicProxySerializer(name, [one, other], resource_type_field_name=None, many=False)


def creating(kind: Resource, one: Shape) -> Any:
    """Of one of them, or of several."""
    noun, many = kind.noun.capitalize(), f"{kind.noun}s"
    body = one_or_many(f"New{noun}s", kind.new)
    shown = examples.of_a_new(kind.noun)
    return writing(f"{many}_create", [], body, {200: ResultsAnswer, 201: one}, shown=shown)


def of_collection(
    kind: Resource, listed: list[OpenApiParameter], lists: Shape, by_id: Shape, one: Shape
) -> dict[str, Any]:
    """Verb → description, for the collection's address."""
    noun = kind.noun.capitalize()
    many = f"{kind.noun}s"
    return {
        "get": reading(f"{many}_list", listed, lists, 404),
        "post": creating(kind, one),
        "put": writing(
            f"{many}_update_by_body",
            [IF_MATCH],
            by_id,
            {200: one, **NO_ROW},
            404,
            412,
            shown=examples.of_a_change_by_id(kind.noun, kind.key),
        ),
        "patch": writing(
            f"{many}_change_by_body",
            [IF_MATCH],
            MANY_BY_ID,
            {200: ResultsAnswer},
            404,
            412,
            shown=examples.of_several_changes(kind.noun, kind.key),
        ),
        "delete": removing(
            f"{many}_delete_by_query",
            # A body of DELETE cannot be said in OpenAPI 3.0.
            in_query(
                "id", f"id or {kind.key}; many at once: none, and a list of up to {MOST} {{id}} as body", required=True
            ),
            either(f"{noun}RemovedOrResults", DoneAnswer, ResultsAnswer),
        ),
    }


def of_item(kind: Resource, one: Shape) -> dict[str, Any]:
    """Verb → description, for one row's address."""
    many = f"{kind.noun}s"
    key = OpenApiParameter("key", location=OpenApiParameter.PATH, description=f"id or {kind.key}")
    shown = examples.of_a_change(kind.noun)

    def changing(name: str) -> Any:
        return writing(name, [key, IF_MATCH], kind.changed, {200: one, **NO_ROW}, 404, 412, shown=shown)

    return {
        "get": reading(f"{many}_read", [key], one, 404),
        "put": changing(f"{many}_update"),
        "patch": changing(f"{many}_change"),
        "delete": removing(f"{many}_delete", key),
    }
