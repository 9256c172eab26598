"""Making, changing and removing a row: the same order of refusals for every kind."""

import json
from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, models, transaction
from psycopg.sql import Composable

from catalog.api import fields
from catalog.api.fields import METADATA, Changes, Values
from catalog.api.listing import QUERIES
from catalog.api.resource import Found, Resource, etag
from tenants.api.response_cache import lists
from tenants.api.views import TenantView
from tenants.errors import UNIQUE_VIOLATION, BadRequestBody, ChangedMeanwhile, Conflict
from tenants.identity import TenantInfo
from vital.db import sql

Body = Callable[[], Values]  # read when its turn has come: who may not write is told so whatever the body is


def create(of: Resource, view: TenantView, body: Body) -> Found:
    """Make the row of the body and return it. Raises Forbidden, BadRequestBody or Conflict.

    What a second name or a made-up field says counts where the answer would say otherwise, as in a change.
    """
    tenant = may_create(of, view)
    given = view.checked(of.new, _sayable(of, view, body()))
    of.check_limit(tenant)
    own = {name: value for name, value in given.items() if name != METADATA}
    row, _ = of.row(QUERIES["row_in_the_making"], {"values": _json(own)})
    own = {name: value for name, value in own.items() if name in row.columns}
    said = {name: value for name, value in own.items() if value is not None}  # else a second name may say it
    found = fields.changes(said | fields.otherwise(given, row), row, of.second_names)
    found.columns[METADATA] = found.columns.get(METADATA) or found.keys
    values = _defaults(of.model) | of.defaults(view, given) | own | found.columns | {"tenant_id": tenant.id}
    made = str(_stored(of, values, lambda: _insert(of, values)))
    return Found(made, tenant.id, str(values.get(of.second_names.get(of.key, of.key))))


def may_create(of: Resource, view: TenantView) -> TenantInfo:
    """The tenant that a new row is for. Raises TenantNeeded, Forbidden or SharedResource."""
    tenant = view.writing_tenant()
    of.may_write(view, tenant, tenant.id)
    return tenant


def change(of: Resource, view: TenantView, key: str, body: Body) -> Found:
    """Change what the body says otherwise than the row's answer does, and return the row as it was found.

    Raises NotFound, ChangedMeanwhile, and what `create` does.
    """
    found = _to_write(of, view, key)
    row, content = of.row(QUERIES["row_to_change"], found.place)
    _as_read(view, content)
    given = fields.otherwise(_sayable(of, view, body()), row)
    made = fields.changes(view.checked(of.changed, given, partial=True), row, of.second_names)
    if made:
        _stored(of, made.columns, lambda: _update(of, found, made))
    return found


def remove(of: Resource, view: TenantView, key: str) -> Found:
    """Remove the row and return what it was. What refers to it goes with it, as the database's keys say."""
    found = _to_write(of, view, key)
    _as_read(view, of.row(QUERIES["row_to_change"], found.place)[1])
    of.model._default_manager.filter(pk=found.id, tenant_id=found.tenant)._raw_delete("default")
    return found


def _to_write(of: Resource, view: TenantView, key: str) -> Found:
    found = of.find(view, key, to_write=True)
    of.may_write(view, view.writing_tenant(), found.tenant)
    return found


def _as_read(view: TenantView, content: str) -> None:
    """Raise ChangedMeanwhile where If-Match names another state of the row."""
    wanted = view.request.headers.get("if-match", "").strip()
    if wanted and not lists(wanted, etag(view, content)):
        raise ChangedMeanwhile


def _sayable(of: Resource, view: TenantView, body: Values) -> Values:
    return {name: value for name, value in body.items() if name not in of.ignored(view)}


def _defaults(model: type[models.Model]) -> Values:
    """What a new row has by itself, by column."""
    return {str(field.column): field.get_default() for field in model._meta.concrete_fields if field.has_default()}


def _insert(of: Resource, values: Values) -> str:
    columns = sql.join(sql.ident(name) for name in values)
    statement = sql.compose(QUERIES["row_made"], table=sql.relation(of.table), columns=columns)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"values": _json(values)})
        ((made,),) = cursor.fetchall()
    return str(made)


def _update(of: Resource, found: Found, made: Changes) -> None:
    assignments: list[Composable] = [
        sql.compose(QUERIES["column_changed"], column=sql.ident(name)) for name in made.columns
    ]
    assignments += [sql.compose(QUERIES["keys_changed"])] if made.keys or made.gone else []
    parts = {"assignments": sql.join(assignments), "of_tenant": sql.compose(QUERIES["row_of_tenant"])}
    statement = sql.compose(QUERIES["row_changed"], table=sql.relation(of.table), **parts)
    params: Values = {**found.place, "values": _json(made.columns), "keys": _json(made.keys), "gone": made.gone}
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def _json(values: Values) -> str:
    try:
        return json.dumps(values, cls=DjangoJSONEncoder, allow_nan=False)
    except ValueError as error:
        raise BadRequestBody("The body holds a number that is too large.") from error


def _stored(of: Resource, values: Values, store: Callable[[], Any]) -> Any:
    """What storing returns. Raises Conflict where the key is taken."""
    try:
        with transaction.atomic():
            return store()
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", "") != UNIQUE_VIOLATION:
            raise
        key = values.get(of.second_names.get(of.key, of.key))
        raise Conflict(f"A {of.noun} with the {of.key} {key!r} exists already.") from error
