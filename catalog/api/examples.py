"""Bodies that the OpenAPI document shows, by the noun of their resource."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

NEW: dict[str, dict[str, Any]] = {
    "tool": {
        "code": "dose-calculator",
        "name": "Dose calculator",
        "description": "Doses by weight and renal function",
        "category": "Clinical",
        "tool_type": "function",
        "function_spec": {"type": "object", "properties": {"weight_kg": {"type": "number"}}, "required": ["weight_kg"]},
        "metadata": {"owner": "pharmacy"},
    },
    "prompt": {
        "name": "discharge-summary",
        "display_name": "Discharge summary",
        "domain": "clinical",
        "description": "Summarises a stay for the general practitioner",
        "system_prompt": "You write discharge summaries for general practitioners.",
        "user_prompt_template": "Summarise this stay: {notes}",
        "metadata": {"reviewed_by": "quality"},
    },
}
CHANGED: dict[str, dict[str, Any]] = {
    "tool": {"description": "Doses by weight, age and renal function"},
    "prompt": {"system_prompt": "You write discharge summaries for general practitioners, in plain words."},
}


def of_a_new(noun: str) -> list[OpenApiExample]:
    return [
        OpenApiExample("One", NEW[noun], request_only=True),
        OpenApiExample("Several at once", [NEW[noun]], request_only=True),
    ]


def of_a_change(noun: str) -> list[OpenApiExample]:
    return [OpenApiExample("Some fields", CHANGED[noun], request_only=True)]


def of_a_change_by_id(noun: str, key: str) -> list[OpenApiExample]:
    return [OpenApiExample("Some fields", {"id": NEW[noun][key]} | CHANGED[noun], request_only=True)]


def of_several_changes(noun: str, key: str) -> list[OpenApiExample]:
    return [OpenApiExample("Some fields of each", [{"id": NEW[noun][key]} | CHANGED[noun]], request_only=True)]
