"""The keys of a plan file, table by table, with the shape of each: the loader allows these, the JSON schema shows them.

A shape is a name that `schema` knows. A `*` marks what must be there.
"""

SEES = ("own", "shared", "nothing")
PHASES = ("003_platform_data", "004_tenant_data")
FAILING = ("stop", "find")
PLACEMENTS = ("reference", "distributed")
CONFIGURATION = ("features", "limits", "security")
ORGANISATION = {
    "departments": {"code": "text*", "name": "text*", "description": "text", "healthcare_domain": "text"},
    "levels": {"code": "text*", "name": "text*", "number": "number*", "description": "text", "role_type": "text"},
    "functions": {
        "name": "text*",
        "department": "text*",
        "description": "text",
        "healthcare_category": "text",
        "regulatory_requirements": "list",
    },
}
PLAN_KEYS = {
    "version": "version*",
    "name": "text",
    "platform": "text*",
    "registry": "relation*",
    "product": "product",
    "revoke_temp": "flag",
    "force_owner": "flag",
    "keep_indexes": "flag",
    "tenant": "tenants*",
    "tenants": "source",
    "table": "tables*",
    "common": "commons",
    "reachable": "reachables",
    "bind": "binds",
    "unbound": "unbounds",
}
TENANT_KEYS = {
    "id": "uuid*",
    "slug": "text*",
    "name": "text*",
    "domain": "text*",
    "compliance_level": "text",
    "metadata": "mapping",
    **dict.fromkeys(CONFIGURATION, "mapping"),
    **{part: part for part in ORGANISATION},
}
TABLE_KEYS = {
    "name": "relation*",
    "key": "list",
    "critical": "flag",
    "visibility": "visibility*",
    "person_decides": "flag",
    "required": "flag",
    "placement": "placement",
    "columns": "columns",
    "rescope": "lists",
    "rules_as": "relation",
    "rule": "rules",
    "unmatched": "text",
    "failing": "failing",
    "failing_limit": "count",
}
RULE_KEYS = {
    "name": "text*",
    "phase": "phase*",
    "when": "condition",
    "tenant": "text",
    "parent": "parent",
    "votes": "votes",
    "own": "true",
    "reassigns": "flag",
}
SOURCE_KEYS = {"from": "relation*", "name": "value*", "slug": "value", "active": "value"}
EXPRESSION_KEYS = {"sql": "text*"}
HOP_KEYS = {
    "column": "texts*", "table": "relation*", "key": "texts", "json": "list", "as": "read_as", "each": "flag",
}  # fmt: skip
VOTE_KEYS = {**HOP_KEYS, "path": "path", "at_least": "majority"}
COMMON_KEYS = {"name": "relation*"}
REACHABLE_KEYS = {"name": "text*", "reason": "text*"}
BIND_KEYS = {"role": "text*", "sees": "sees", "claim": "texts", "users": "users", "tables": "relations"}
USERS_KEYS = {"table": "relation*", "key": "text", "tenant": "tenant_column"}
UNBOUND_KEYS = {"role": "text*", "reason": "text*"}
