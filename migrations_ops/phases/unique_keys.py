"""Keys that are unique across all tenants become unique in each."""

from collections.abc import Iterator

from psycopg.sql import Composable

from migrations_ops.engine.steps import Check, SavedState, Statement
from migrations_ops.phases.queries import every, of_table, query, short
from migrations_ops.rules.model import TENANT_COLUMN, TableSpec
from tenants.isolation import wanted
from vital.db import sql
from vital.db.introspection import FOREIGN_KEYS, UNIQUE_KEYS


def can_be_rescoped(spec: TableSpec) -> Iterator[Check]:
    """Asked before anything changes: no tenant has a key twice, and nobody refers to one."""
    for key in spec.rescope:
        columns = sql.literal(list(key))
        values = sql.join(sql.column("t", column) for column in key)
        name = f"{short(spec.relation)}: unique ({', '.join(key)}) can become unique per tenant"
        duplicates = every("duplicate_keys", [spec], columns=columns, values=values)
        asked = {"columns": columns, "foreign_keys": FOREIGN_KEYS, "unique_keys": UNIQUE_KEYS}
        referred = of_table("keys_others_refer_to", spec.relation, **asked)
        others = [of_table(why, spec.relation, **asked) for why in ("rescoped_partitions", "leaned_on_keys")]
        yield Check(name, sql.join([duplicates, referred, *others], " UNION ALL "), kind="key")


def name_per_tenant(spec: TableSpec, key: tuple[str, ...]) -> str:
    """What the key per tenant, and its index, is called."""
    return sql.fitting("_".join([short(spec.relation), TENANT_COLUMN, *key, "key"]))


def rescoped(spec: TableSpec, key: tuple[str, ...]) -> Iterator[Statement]:
    """The new key is built beside the old one, which goes only when the new one is complete."""
    schema, table = sql.names(spec.relation)
    new = name_per_tenant(spec, key)
    columns, names = sql.literal(list(key)), sql.join(sql.ident(column) for column in key)
    dropped = of_table("drop_index", spec.relation, index=sql.ident(schema, new))
    of_key: dict[str, Composable] = {"columns": columns, "constraint_name": sql.literal(new)}
    yield Statement(
        name=f"{table}: an index for ({', '.join(key)}) per tenant",
        relation=spec.relation,
        is_applied=of_table("unique_index_is_valid", spec.relation, index_name=sql.literal(sql.spelled(schema, new))),
        repair=dropped,
        up=(of_table("create_unique_index", spec.relation, index=sql.ident(new), columns=names),),
        down=lambda _: (dropped,),
        online=True,
    )

    def across_tenants(saved_state: SavedState) -> tuple[Composable, ...]:
        changes: list[Composable] = [of_table("drop_constraint", spec.relation, constraint=sql.ident(new))]
        for old in saved_state:
            if old["constraint"]:
                definition = sql.verbatim(old["definition"])
                named = {"constraint": sql.ident(old["constraint"]), "definition": definition}
                changes.append(of_table("add_constraint", spec.relation, **named))
            else:
                changes.append(sql.verbatim(old["create"]))
            changes += [sql.verbatim(said) for said in old.get("then", [])]
        return tuple(changes)

    values = sql.join(sql.column("t", column) for column in key)
    yield Statement(
        name=wanted.rescoping(spec.relation, key),
        relation=spec.relation,
        is_applied=of_table("key_is_rescoped", spec.relation, **of_key),
        saved_state=of_table("keys_across_tenants", spec.relation, columns=columns, said_of_key=query("said_of_key")),
        up=(of_table("rescope_key", spec.relation, qualified=sql.literal(sql.spelled(schema, table)), **of_key),),
        down=across_tenants,
        undo_blockers=every("shared_keys", [spec], columns=columns, values=values),
        locks=(spec.relation,),
    )
