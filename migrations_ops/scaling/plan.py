"""A way to scale, as what is to be known, decided and done."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from migrations_ops.reading import shown
from migrations_ops.rules.model import TENANT_COLUMN
from migrations_ops.scaling.catalogue import Key, Reference, Table
from migrations_ops.scaling.statements import Statement, add_key, add_reference, drop_key, drop_reference


@dataclass
class Scale:
    """`kinds`: table → (what becomes of it, why). `decide` stands in the way; `know` changes what applications see."""

    way: str
    kinds: dict[str, tuple[str, str]] = field(default_factory=dict)
    keys: list[dict[str, str]] = field(default_factory=list)
    decide: list[str] = field(default_factory=list)
    know: list[str] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)

    def document(self, tables: dict[str, Table]) -> dict[str, Any]:
        return {
            "way": self.way,
            "tables": [
                {"table": shown(name), "kind": kind, "why": why, "rows": tables[name].rows, "bytes": tables[name].bytes}
                for name, (kind, why) in self.kinds.items()
            ],
            "keys": self.keys,
            "decide": self.decide,
            "know": self.know,
            "statements": [one.text() for one in self.statements],
        }

    def widen(self, keys: list[Key], *, in_place: bool = True) -> Iterator[Statement]:
        """Each of these keys with the tenant in it, which is noted; in place, the one of before goes."""
        for key in keys:
            after = key.with_tenant()
            self.keys.append({"table": shown(key.relation), "key": key.name, "before": key.definition, "after": after})
            if in_place:
                yield drop_key(key)
            yield add_key(key, after)
        if lost := [
            f"{shown(key.relation)} ({', '.join(key.columns) or key.name})" for key in keys if not key.is_primary
        ]:
            what = "Unique in each tenant, and no longer over all of them"
            self.know.append(
                f"{what}: {', '.join(lost)}. VITAL or the applications have to see to it where it matters."
            )

    def refer_within(self, references: list[Reference], across: dict[Reference, int]) -> Iterator[Statement]:
        """These references once more, with the tenant; one that rows of the Platform's stand behind cannot be."""
        for one in references:
            where = f"{shown(one.child)} ({', '.join(one.own)})"
            if count := across[one]:
                self.decide.append(
                    f"{count:,} rows refer to another tenant's, the Platform's, by {where} → {shown(one.parent)}: a key"
                    " with the tenant in it cannot say so. Copy what they refer to into each tenant, or go without it."
                )
                continue
            yield add_reference(one, with_tenant=TENANT_COLUMN not in one.own)

    def ask_for(self, nobodys: dict[str, int], why: str) -> None:
        """`nobodys`: table → rows without a tenant, each of which somebody has to decide."""
        for relation, count in nobodys.items():
            self.decide.append(f"{count:,} rows of {shown(relation)} have no tenant{why}")

    def let_go(self, references: list[Reference]) -> Iterator[Statement]:
        yield from (drop_reference(one) for one in references)
