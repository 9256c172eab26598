"""Which roles of others isolation binds, as a plan says it: [[bind]], and [[unbound]] for those that it does not."""

from collections.abc import Iterable, Sequence

from migrations_ops.rules.model import TENANT_COLUMN, Bind
from migrations_ops.rules.plan_keys import BIND_KEYS, SEES, UNBOUND_KEYS, USERS_KEYS
from migrations_ops.rules.reader import Given, PlanError, distinct
from vital.db.roles import OPERATOR_ROLE, PROVER_ROLE, TENANT_ROLE

CLAIM = ("app_metadata", "tenant_id")
# What the people themselves may write into their token.
WRITTEN_BY_USERS = ("user_metadata", "raw_user_meta_data", "raw_user_metadata")
NOT_OTHERS = (TENANT_ROLE, OPERATOR_ROLE, PROVER_ROLE, "public")


def binds(plan: Given, tables: Sequence[str]) -> tuple[Bind, ...]:
    """Every [[bind]] of the plan, whose tables these are. Raises PlanError."""
    found = [Given(item, f"bind {number}", BIND_KEYS, plan.at("bind", number)) for number, item in plan.tables("bind")]
    distinct(((given.text("role"), (*given.place, "role")) for given in found), "[[bind]] have the same role")
    return tuple(_bind(given, tables) for given in found)


def unbound(plan: Given, bound: Iterable[Bind]) -> tuple[str, ...]:
    """The roles that are left alone; that somebody has given a reason is enough. Raises PlanError."""
    whole, roles = {one.role for one in bound if not one.tables}, []
    for number, item in plan.tables("unbound"):
        given = Given(item, f"unbound {number}", UNBOUND_KEYS, plan.at("unbound", number))
        given.text("reason")
        role = given.text("role")
        if role in whole:
            raise given.wrong(f"role {role!r} is bound by [[bind]] on every table; one of the two.", "role")
        roles.append(role)
    return tuple(roles)


def _bind(given: Given, tables: Sequence[str]) -> Bind:
    role = given.text("role")
    if role.lower() in NOT_OTHERS:
        raise given.wrong(f"role must be one that others put on, such as 'authenticated', not {role!r}.", "role")
    sees = given.one_of("sees", SEES) if "sees" in given else SEES[0]
    only = tuple(_of_plan(given, "tables", name, tables) for name in given.texts("tables"))
    if sees == SEES[0]:
        return Bind(role, sees, _claim(given), _users(given, tables), only)
    for key in ("claim", "users"):
        if key in given:
            raise given.wrong(f"{key} says whose rows a caller sees; with sees = {sees!r} all see the same.", key)
    return Bind(role, sees, tables=only)


def _claim(given: Given) -> tuple[str, ...]:
    """A path, or one text with dots. Raises PlanError where people could write it themselves."""
    if "claim" not in given:
        return CLAIM
    path = given.text_or_texts("claim")
    if isinstance(given.item["claim"], str):
        path = tuple(path[0].split("."))
    if not all(path):
        raise given.wrong("claim has a part without a name.", "claim")
    for part in path:
        if part in WRITTEN_BY_USERS:
            raise given.wrong(
                f"claim must not be in {part}: people write that themselves, and could name any tenant. Let what makes"
                " the token put the tenant into app_metadata.",
                "claim",
            )
    return path


def _users(given: Given, tables: Sequence[str]) -> tuple[str, str] | None:
    if "users" not in given:
        return None
    users = Given(given.item["users"], f"{given.where}, users", USERS_KEYS, (*given.place, "users"))
    if "tenant" in users:
        users.one_of("tenant", [TENANT_COLUMN], "must be the column that the plan keeps")
    return _of_plan(users, "table", users.relation("table"), tables), users.text("key", "id")


def _of_plan(given: Given, key: str, name: str, tables: Sequence[str]) -> str:
    """One of the plan's tables: of any other, rows could be written by whoever wants another tenant."""
    if name not in tables:
        raise PlanError(f"{given.where}: {key} must name a table of the plan, not {name!r}.", (*given.place, key))
    return name
