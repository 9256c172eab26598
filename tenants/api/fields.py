"""What every operation of the OpenAPI document says: how the tenant is chosen, and how it may be refused."""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from django.db import models
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers


class ErrorShape(serializers.Serializer[object]):
    """Every refusal."""

    error = serializers.CharField(help_text="one plain sentence")
    code = serializers.CharField(help_text="what programs go by")
    details = serializers.JSONField(required=False, help_text="where it helps")


CHOICE = [
    OpenApiParameter(
        "x-tenant-id",
        {"type": "string", "oneOf": [{"format": "uuid"}, {"maxLength": 0}]},
        OpenApiParameter.HEADER,
        description="which tenant; it grants none, and an empty one is none",
    ),
]
SENTENCES = {
    400: "the tenant id, a parameter or the body cannot be used",
    401: "no credential, or one that is not good",
    403: "a tenant, row, role or feature that this credential may not use",
    404: "no such row that this tenant can see",
    405: "this address has no such method",
    409: "the key is taken, or a limit of the tenant is reached",
    412: "the row has changed since the state that if-match names",
    413: "the body is too large",
    429: "too many requests; Retry-After says how long to wait",
    503: "the database or the migration is not ready, or writing waits; Retry-After says how long to wait",
}
ALWAYS = (400, 401, 403, 429, 503)


def refusals(*more: int) -> dict[int, Any]:
    """The answers that are errors: those that every operation may give, and these."""
    return {code: OpenApiResponse(ErrorShape, description=SENTENCES[code]) for code in sorted({*ALWAYS, *more})}


class Text(serializers.CharField):
    """A text, kept as it is; nothing else is taken for one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False} | options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumber(serializers.IntegerField):
    """A JSON number without a fraction."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != int(data):
            self.fail("invalid")
        return super().to_internal_value(int(data))


AS_POSTGRES = Context(prec=2 * serializers.DecimalField.MAX_STRING_LENGTH, rounding=ROUND_HALF_UP)


class Number(serializers.DecimalField):
    """A JSON number, shown as one; rounded to what its column holds, as PostgreSQL does."""

    def __init__(self, *bounds: Any, **options: Any) -> None:
        super().__init__(*bounds, **options | {"coerce_to_string": False})

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)

    def validate_precision(self, value: Decimal) -> Decimal:
        step = Decimal(1).scaleb(-(self.decimal_places or 0))
        return super().validate_precision(value.quantize(step, context=AS_POSTGRES))


class Flag(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Body(serializers.ModelSerializer[Any]):
    """A body about a row: the table's own columns, checked as strictly as JSON allows.

    Unknown fields are kept beside the known ones, never dropped.
    """

    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.CharField: Text,
        models.TextField: Text,
        models.IntegerField: WholeNumber,
        models.BigIntegerField: WholeNumber,
        models.DecimalField: Number,
        models.BooleanField: Flag,
    }

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        """An empty text is none of a column's choices, whatever a form would send for none; in a list it is a text."""
        kind, options = super().build_standard_field(field_name, model_field)
        if issubclass(kind, Text) and field_name == "child":
            options["allow_blank"] = True
        return kind, {
            key: value for key, value in options.items() if not (key == "allow_blank" and model_field.choices)
        }

    def to_internal_value(self, data: dict[str, Any]) -> dict[str, Any]:
        known: dict[str, Any] = super().to_internal_value(data)
        return {**{name: value for name, value in data.items() if name not in self.fields}, **known}
