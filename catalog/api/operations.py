"""How the OpenAPI document describes addresses of one kind."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from catalog.api.resource import Resource
from tenants.api.fields import CHOICE, refusals

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


def reading(name: str, parameters: list[OpenApiParameter], answer: Shape, *more: int) -> Any:
    return extend_schema(
        operation_id=name, parameters=[*CHOICE, *parameters], responses={200: answer, **NOT_MODIFIED, **refusals(*more)}
    )


def writing(name: str, parameters: list[OpenApiParameter], body: Shape, answers: dict[int, Any], *more: int) -> Any:
    return extend_schema(
        operation_id=name,
        parameters=[*CHOICE, *parameters],
        request=body,
        responses=answers | refusals(*more, 409, 413),
    )


def removing(name: str, parameter: OpenApiParameter) -> Any:
    return extend_schema(
        operation_id=name, parameters=[*CHOICE, parameter], responses={200: DoneAnswer, **refusals(404)}
    )


def of_collection(
    kind: Resource, listed: list[OpenApiParameter], lists: Shape, by_id: Shape, one: Shape
) -> dict[str, Any]:
    """Verb → description, for the collection's address."""
    many = f"{kind.noun}s"
    key = in_query("id", f"id or {kind.key}", required=True)
    return {
        "get": reading(f"{many}_list", listed, lists, 404),
        "post": writing(f"{many}_create", [], kind.new, {201: one}),
        "put": writing(f"{many}_update_by_body", [], by_id, {200: one}, 404),
        "delete": removing(f"{many}_delete_by_query", key),
    }


def of_item(kind: Resource, one: Shape) -> dict[str, Any]:
    """Verb → description, for one row's address."""
    many = f"{kind.noun}s"
    key = OpenApiParameter("key", location=OpenApiParameter.PATH, description=f"id or {kind.key}")
    return {
        "get": reading(f"{many}_read", [key], one, 404),
        "put": writing(f"{many}_update", [key], kind.changed, {200: one}, 404),
        "patch": writing(f"{many}_change", [key], kind.changed, {200: one}, 404),
        "delete": removing(f"{many}_delete", key),
    }
