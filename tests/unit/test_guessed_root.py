"""Which table init-plan takes for the tenants where nobody names one: by the last word of its name, and by how many
tables lead to it."""

import pytest

from migrations_ops.rules.scaffold import foreign_key_paths
from migrations_ops.rules.scaffold.introspection import Catalogue, Table
from vital.db.introspection import ForeignKey

# table → the tables that it refers to
SHOP = {"orders": ["stores"], "lines": ["orders"]}
SCHEMAS: dict[str, tuple[dict[str, list[str]], str]] = {
    "called like tenants": (SHOP | {"notes": ["lines"]}, "stores"),
    "called like tenants, in the singular": ({"plan": ["Company"], "item": ["plan"], "day": ["item"]}, "Company"),
    "called so in German": ({"Kunden": ["Mandanten", "Länder"], "Mandanten": ["Länder"]}, "Mandanten"),
    "called so with a word before it": ({"a": ["customer_accounts"], "b": ["a"]}, "customer_accounts"),
    "called so with a word behind it": ({"account_heading": ["entity"], "account": ["account_heading"]}, "entity"),
    "nearly nobody leads to the one called so": (
        {"entries": ["accounts"]} | {f"part_{n}": ["farms"] for n in range(6)},
        "farms",
    ),
    "most lead to a list of kinds": ({"area": ["area_type"], "place": ["area"], "event": ["place"]}, "area"),
    "nothing but lists of kinds": ({"gender": ["status"]}, "status"),
}


def catalogue_of(references: dict[str, list[str]]) -> Catalogue:
    names = dict.fromkeys([*references, *(parent for parents in references.values() for parent in parents)])
    tables = {}
    for name in names:
        parents = references.get(name, [])
        keys = [
            ForeignKey(f"public.{name}", (f"{parent}_id",), f"public.{parent}", ("id",), binds_every_row=True)
            for parent in parents
        ]
        columns = {"id": "integer"} | {f"{parent}_id": "integer" for parent in parents}
        tables[f"public.{name}"] = Table(f"public.{name}", name, ("id",), columns, frozenset(columns), (), tuple(keys))
    return Catalogue("a database", tables, {})


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_table_of_the_tenants_is_guessed(schema: str) -> None:
    references, root = SCHEMAS[schema]
    _, owned = foreign_key_paths.find(catalogue_of(references), "")
    assert owned.root == f"public.{root}"


def test_a_foreign_key_that_binds_no_heir_leads_not_every_row() -> None:
    catalogue = catalogue_of(SHOP)
    _, owned = foreign_key_paths.find(catalogue, "")
    assert owned.always("public.lines")

    orders = catalogue.tables["public.orders"]
    loose = [ForeignKey(key.child, key.own, key.parent, key.key) for key in orders.references]
    catalogue.tables["public.orders"] = Table(**{**vars(orders), "references": tuple(loose)})
    _, owned = foreign_key_paths.find(catalogue, "")
    assert not owned.always("public.orders")
    assert not owned.always("public.lines")
