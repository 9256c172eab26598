"""What every operation of the OpenAPI document says: how the tenant is chosen, and how it may be refused."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers


class ErrorShape(serializers.Serializer[object]):
    """Every refusal."""

    error = serializers.CharField(help_text="one plain sentence")
    details = serializers.JSONField(required=False, help_text="where it helps")


CHOICE = [
    OpenApiParameter(
        "x-tenant-id", OpenApiTypes.UUID, OpenApiParameter.HEADER, description="which tenant; it grants none"
    ),
]
SENTENCES = {
    400: "the tenant id, a parameter or the body cannot be used",
    401: "no credential, or one that is not good",
    403: "a tenant, row, role or feature that this credential may not use",
    404: "no such row that this tenant can see",
    405: "this address has no such method",
    409: "the key is taken, or a limit of the tenant is reached",
    413: "the body is too large",
    429: "too many requests; Retry-After says how long to wait",
    503: "the database, or the migration, is not ready; Retry-After says how long to wait",
}
ALWAYS = (400, 401, 403, 429, 503)


def refusals(*more: int) -> dict[int, Any]:
    """The answers that are errors: those that every operation may give, and these."""
    return {code: OpenApiResponse(ErrorShape, description=SENTENCES[code]) for code in sorted({*ALWAYS, *more})}


class OpenShape(serializers.Serializer[Any]):
    """A body whose unknown fields are kept beside the known ones, never dropped."""

    def to_internal_value(self, data: dict[str, Any]) -> dict[str, Any]:
        known: dict[str, Any] = super().to_internal_value(data)
        return {**{name: value for name, value in data.items() if name not in self.fields}, **known}
