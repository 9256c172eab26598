"""The plan file as a JSON schema, for editors: made of the same keys and kinds that the loader reads.

`python -m migrations_ops.rules.json_schema` prints it.
"""

import json
from typing import Any

from migrations_ops.rules import plan_keys
from migrations_ops.rules.model import TENANT_COLUMN
from migrations_ops.rules.operators import COMBINATIONS, COMPARISONS, Kind
from migrations_ops.rules.paths import READ_AS
from migrations_ops.rules.reader import RELATION

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
LIST: Schema = {"type": "array", "items": TEXT, "minItems": 1}
FLAG: Schema = {"type": "boolean"}
NAME: Schema = {"type": "string", "pattern": f"^{RELATION.pattern}$"}
TEXTS: Schema = {"anyOf": [TEXT, LIST]}
SCALAR: Schema = {"type": ["string", "number", "boolean"]}
# A date of TOML reaches a schema as the text of it.
BOUND: Schema = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:.*)?$"}]}
LISTS = ("tenants", "tables", "rules", "commons", "reachables", "binds", "unbounds")
CONDITION: Schema = {"$ref": "#/$defs/condition"}


def several(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def table(of: dict[str, str]) -> Schema:
    """A table of these keys and no others."""
    return {
        "type": "object",
        "properties": {key: SHAPES[shape.rstrip("*")] for key, shape in of.items()},
        "required": [key for key, shape in of.items() if shape.endswith("*")],
        "additionalProperties": False,
    }


SHAPES: dict[str, Schema] = {
    "version": {"const": 1},
    "product": {"enum": ["vital"]},
    "text": TEXT,
    "texts": TEXTS,
    "list": LIST,
    "lists": several(LIST),
    "flag": FLAG,
    "number": {"type": "integer"},
    "mapping": {"type": "object"},
    "columns": {"type": "object", "additionalProperties": {"type": "string"}},
    "uuid": {"type": "string", "pattern": "^[{]?[0-9A-Fa-f-]{32,36}[}]?$"},
    "relation": NAME,
    "relations": {"type": "array", "items": NAME, "minItems": 1},
    "tenant_column": {"const": TENANT_COLUMN},
    "sees": {"enum": list(plan_keys.SEES)},
    "visibility": {"enum": ["shared", "private"]},
    "failing": {"enum": list(plan_keys.FAILING)},
    "placement": {"enum": list(plan_keys.PLACEMENTS)},
    "count": {"type": "integer", "minimum": 1},
    "phase": {"enum": list(plan_keys.PHASES)},
    "scalar": SCALAR,
    "scalars": {"type": "array", "items": SCALAR, "minItems": 1},
    "pattern": TEXT,
    "true": {"const": True},
    "read_as": {"enum": list(READ_AS)},
    "majority": {"type": "number", "exclusiveMinimum": 0.5, "maximum": 1},
    "value": {"anyOf": [TEXT, {"$ref": "#/$defs/expression"}]},
    "source": {"$ref": "#/$defs/source"},
    "bound": BOUND,
    "range": {"type": "array", "items": BOUND, "minItems": 2, "maxItems": 2},
    "condition": CONDITION,
    **{name: {"$ref": f"#/$defs/{name}"} for name in ("parent", "path", "votes", "users")},
    **{
        name: several({"$ref": f"#/$defs/{name.rstrip('s')}"})
        for name in (
            "tenants",
            "tables",
            "rules",
            "commons",
            "reachables",
            "binds",
            "unbounds",
            *plan_keys.ORGANISATION,
        )
    },
}
COMBINED: dict[str, Schema] = {
    "all": {**several(CONDITION), "minItems": 1},
    "any": {**several(CONDITION), "minItems": 1},
    "not": CONDITION,
    "always": {"const": True},
    "sql": TEXT,
}


def _comparison(kind: Kind) -> Schema:
    compared = table({"column": "text*", "json": "list", kind.name: f"{kind.takes}*"})
    return compared | {"description": kind.means}


def _combination(name: str, means: str) -> Schema:
    return {
        "type": "object",
        "properties": {name: COMBINED[name]},
        "required": [name],
        "additionalProperties": False,
        "description": means,
    }


def _rule() -> Schema:
    """`when` and the tenant; or a parent or votes, of all rows or of some; or each row's own."""
    of_when = ("tenant", "reassigns")  # what only a rule with `when` alone has
    without = {
        ("when", "tenant"): ("parent", "votes", "own"),
        ("parent",): ("votes", "own", *of_when),
        ("votes",): ("parent", "own", *of_when),
        ("own",): ("when", "parent", "votes", *of_when),
    }
    kinds = [
        {"required": list(needs), "not": {"anyOf": [{"required": [key]} for key in others]}}
        for needs, others in without.items()
    ]
    return table(plan_keys.RULE_KEYS) | {"oneOf": kinds}


def _table() -> Schema:
    """How many rows may fail is said where any may."""
    finding = {"properties": {"failing": {"const": "find"}}, "required": ["failing"]}
    return table(plan_keys.TABLE_KEYS) | {"dependencies": {"failing_limit": finding}}


def _bind() -> Schema:
    """A role sees its caller's tenant, by a claim or the row of a user; or what is the same for everybody."""
    of_caller = {"anyOf": [{"required": ["claim"]}, {"required": ["users"]}]}
    alike = {"required": ["sees"], "properties": {"sees": {"enum": list(plan_keys.SEES[1:])}}}
    return table(plan_keys.BIND_KEYS) | {"not": {"allOf": [alike, of_caller]}}


def _leading(hop: Schema, *more: str) -> Schema:
    """Over one hop, or over several."""
    beside = {key: SHAPES[plan_keys.VOTE_KEYS[key]] for key in more}
    over = {"path": SHAPES["path"], **beside}
    return {
        "oneOf": [
            hop | {"properties": hop["properties"] | beside},
            {"type": "object", "properties": over, "required": ["path"], "additionalProperties": False},
        ]
    }


def schema() -> Schema:
    """The whole schema."""
    hop = table(plan_keys.HOP_KEYS)
    kinds = [_comparison(kind) for kind in COMPARISONS.values()]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "VITAL: a plan, which row goes to which tenant",
        **table(plan_keys.PLAN_KEYS),
        "$defs": {
            "condition": {"oneOf": kinds + [_combination(*item) for item in COMBINATIONS.items()]},
            "path": {"type": "array", "items": hop, "minItems": 1},
            "parent": _leading(hop),
            "votes": _leading(hop, "at_least"),
            "rule": _rule(),
            "table": _table(),
            "tenant": table(plan_keys.TENANT_KEYS),
            "source": table(plan_keys.SOURCE_KEYS),
            "expression": table(plan_keys.EXPRESSION_KEYS),
            "common": table(plan_keys.COMMON_KEYS),
            "reachable": table(plan_keys.REACHABLE_KEYS),
            "bind": _bind(),
            "unbound": table(plan_keys.UNBOUND_KEYS),
            "users": table(plan_keys.USERS_KEYS),
            **{name.rstrip("s"): table(of) for name, of in plan_keys.ORGANISATION.items()},
        },
    }


def text() -> str:
    """The file docs/reference/plan.schema.json."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
