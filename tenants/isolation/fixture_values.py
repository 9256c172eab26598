"""A value for a column that must have one, as text, from what the catalogue says about it."""

import random
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import uuid4

from psycopg.sql import Composable

from tenants.isolation.targets import MARK
from vital.db import sql

BY_TYPE = {
    "uuid": "00000000-0000-4000-8000-000000000000", "json": "{}", "jsonb": "{}", "bytea": "\\x00", "time": "12:00",
    "timetz": "12:00+00", "interval": "1 day", "inet": "127.0.0.1", "cidr": "127.0.0.0/8", "ltree": "probe",
    "macaddr": "00:00:00:00:00:00", "macaddr8": "00:00:00:00:00:00:00:00", "xml": "<probe/>", "point": "(0,0)",
    "line": "{1,0,0}", "lseg": "[(0,0),(1,1)]", "box": "(1,1),(0,0)", "path": "((0,0),(1,1))", "hstore": "",
    "polygon": "((0,0),(0,1),(1,1))", "circle": "<(0,0),1>", "tsvector": "probe", "tsquery": "probe", "bit": "0",
    "varbit": "0", "pg_lsn": "0/0", "txid_snapshot": "1:1:", "pg_snapshot": "1:1:", "jsonpath": "$",
}  # fmt: skip
BY_CATEGORY = {"N": "1", "B": "true", "D": "2000-01-01", "R": "empty", "S": ""}
INTEGERS = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1, "oid": 2**31 - 1}
FEW = {"bool"}
ANY = random.SystemRandom()
WORDS = {"email": "@example.org", "mail": "@example.org", "url": "https://example.org/"}
LITERAL = re.compile(r"'((?:[^']|'')*)'::|(?<![\w.])(\d+(?:\.\d+)?)(?![\w.])")


@dataclass(frozen=True)
class Column:
    """A column that an INSERT may name, as the catalogue describes it. `base` is the type beneath its domains and
    arrays, `labels` those of an enum, `fields` the columns of a composite type, `subtype` a range's."""

    name: str
    kind: str
    base: str
    category: str
    is_array: bool
    labels: tuple[str, ...]
    fields: tuple["Column", ...]
    subtype: str | None
    needed: bool
    unique: bool
    drawn: bool

    @property
    def roomy(self) -> bool:
        """Whether its type has room for a value that no other row has."""
        return bool(self.is_array or self.fields or not (self.labels or self.base in FEW))

    def typed(self, value: str) -> Composable:
        """The value as the column's own type; a text that is too long is cut."""
        return sql.compose("{value}::{kind}", value=sql.literal(value), kind=sql.verbatim(self.kind))

    def invented(self, attempt: int = 0) -> str:
        """A plausible value; a new one each time where the column must be unique and its type has room for it. A later
        attempt looks in another part of the type."""
        value = self._single(attempt)
        return f'{{"{_escaped(value)}"}}' if self.is_array else value

    def like(self, sample: str) -> str:
        """Another value of the sample's shape: what a CHECK looks at is most often that."""
        if self.is_array or self.labels or self.fields or self.base in {"json", "jsonb"}:
            return sample
        if self.category == "D" and (found := re.match(r"\d{4}-\d\d-\d\d", sample)):
            moved = date.fromisoformat(found[0]) + timedelta(days=ANY.randrange(-900, 900))
            return moved.isoformat() + sample[10:]
        if self.category == "N":
            number = _digits(sample)
            fits = self.base not in INTEGERS or abs(int(number)) <= INTEGERS[self.base]
            return number if fits else number[:-1]
        return "".join(_alike(one) for one in sample)

    def guesses(self, definition: str) -> list[str]:
        """Values that a CHECK may want: those it names, then some that checks are often about."""
        named = [(text or number).replace("''", "'") for text, number in LITERAL.findall(definition)]
        named = [one for one in named if self._may_be(one)]  # a CHECK of several columns names others' values as well
        near = [str(float(one) + by).removesuffix(".0") for one in named if _is_number(one) for by in (1, -1)]
        common = {"N": ["1", "0", "2", "10"], "S": [self.invented(), "probe", "a@example.org", "https://example.org"]}
        found = [*named, *(near if self.category == "N" else []), *common.get(self.category, [self.invented()])]
        return [f'{{"{_escaped(value)}"}}' for value in found] if self.is_array else found

    def _may_be(self, value: str) -> bool:
        """Whether a constant that a CHECK names could be one of this column's."""
        if self.labels:
            return value in self.labels
        if self.category == "B":
            return value in {"true", "false"}
        if self.category == "D":
            return not _is_number(value)
        return self.category != "N" or _is_number(value)

    def _single(self, attempt: int) -> str:
        if self.labels:
            return ANY.choice(self.labels) if self.unique else self.labels[0]
        if self.fields:
            return "(" + ",".join(f'"{_escaped(field.invented(attempt))}"' for field in self.fields) + ")"
        if self.base == "uuid":
            return str(uuid4())
        if self.category == "S":
            return self._text()
        if self.base == "vector":
            return f"[{','.join('0' * int(self._limit(0) or 1))}]"
        if self.unique or self.drawn:
            return self._unique(attempt)
        return BY_TYPE.get(self.base) or BY_CATEGORY.get(self.category) or "0"

    def _unique(self, attempt: int) -> str:
        token, n = uuid4().hex[:12], ANY.randrange(2**40)
        if self.base in INTEGERS:
            return str(_number(INTEGERS[self.base], attempt, signed=self.base != "oid"))
        if self.category == "N":
            limit = self._limit(0)
            most = 10 ** (int(limit) - int(self._limit(1) or 0)) - 1 if limit else 10**12
            return str(_number(most, attempt, signed=True))
        if self.category == "D" or self.base in {"time", "timetz"}:
            return _moment(self.base)
        if self.category == "R":
            return _range(self.subtype or "int4", attempt)
        special = {
            "jsonb": f'{{"{MARK}": "{token}"}}', "bytea": f"\\x{token}", "interval": f"{n % 10**9} seconds",
            "inet": f"10.{n % 256}.{n // 256 % 256}.{n // 65536 % 256}", "cidr": f"10.{n % 256}.{n // 256 % 256}.0/24",
            "macaddr": ":".join(token[i : i + 2] for i in range(0, 12, 2)), "ltree": f"probe_{token}",
            "macaddr8": ":".join((token + "0000")[i : i + 2] for i in range(0, 16, 2)), "tsvector": f"probe{token}",
            "point": f"({n},{n})", "box": f"({n},{n}),({n},{n})", "circle": f"<({n},{n}),0>",
            "pg_lsn": f"0/{n % 2**31:X}",
            "bit": format(n, "b")[: int(self._limit(0) or 1)], "varbit": format(n, "b")[: int(self._limit(0) or 32)],
        }  # fmt: skip
        return special.get(self.base) or BY_TYPE.get(self.base) or BY_CATEGORY.get(self.category) or "0"

    def _text(self) -> str:
        token = uuid4().hex[:12]
        room = int(self._limit(0) or 0) or {"char": 1, "name": 63}.get(self.base, 0)
        if room and room <= len(MARK) + len(token):
            return "".join(ANY.choices(string.ascii_lowercase + string.digits, k=min(room, 12)))
        affix = next((affix for word, affix in WORDS.items() if word in self.name.lower()), "")
        if room and room <= len(MARK) + len(token) + len(affix):
            affix = ""
        return f"{affix}{MARK}-{token}" if affix.endswith("/") else f"{MARK}-{token}{affix}"

    def _limit(self, which: int) -> str:
        """A number in the type's brackets: character varying(20), numeric(6,2)."""
        found = re.search(r"\((\d+)(?:,(\d+))?\)", self.kind)
        return (found[which + 1] or "") if found else ""


def described(row: Mapping[str, object], types: Mapping[str, list["Column"]]) -> Column:
    """A column from its row of the catalogue; `types` has the columns of each composite type."""
    known = {**row, "labels": tuple(row["labels"] or ()), "fields": tuple(types.get(str(row["composite"]), ()))}  # type: ignore[arg-type]  # an array of the driver's
    del known["composite"]
    return Column(**known)  # type: ignore[arg-type]  # the query names its columns as the fields are


def _number(most: int, attempt: int, *, signed: bool) -> int:
    """Below what sequences and people give; then from the top; then anywhere; then what small checks want."""
    depth = ANY.randrange(min(most, 2_000_000_000) * 9 // 10 or 1)
    ways = [-1 - depth if signed else most - depth, most - depth // 10, ANY.randrange(most) + 1]
    return [*ways, ANY.randrange(min(most, 1000)) + 1][attempt % 4]


def _moment(base: str) -> str:
    """Some moment of long ago, to the microsecond where the type has it."""
    seconds, micro = ANY.randrange(86_400), ANY.randrange(10**6)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{micro:06}"
    if base in {"time", "timetz"}:
        return clock + ("+00" if base == "timetz" else "")
    day = (date(1000, 1, 1) + timedelta(days=ANY.randrange(300_000))).isoformat()
    return day if base == "date" else f"{day} {clock}" + ("+00" if base == "timestamptz" else "")


def _range(subtype: str, attempt: int) -> str:
    """A short range far from all others; later the empty one, which overlaps nothing."""
    if attempt >= 3:
        return "empty"
    if subtype in {"date", "timestamp", "timestamptz"}:
        one = _moment(subtype)
        return f'["{one}","{one}"]'
    n = _number(INTEGERS.get(subtype, 10**12) - 1, attempt, signed=True)
    return f"[{n},{n}]"


def _alike(letter: str) -> str:
    for kind in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if letter in kind:
            return ANY.choice(kind)
    return letter


def _digits(number: str) -> str:
    """As many digits, the first of them no zero."""
    found = "".join(ANY.choice(string.digits) if one.isdigit() else one for one in number)
    return re.sub(r"^(-?)0(?=\d)", r"\g<1>1", found)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"\d+(\.\d+)?", text))
