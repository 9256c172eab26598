"""A text of SQL cut into statements, each with `$1` for every parameter, whatever a driver writes for it.

It reads quotes, comments and dollar quotes as PostgreSQL does, and nothing else: it also cuts what no parser knows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*)
    |(?P<block>/\*)
    |(?P<dollar>\$(?:[^\W\d]\w*)?\$)
    |(?P<text>[eE]'(?:[^'\\]|\\.|'')*'|(?:[uU]&|[bBxXnN])?'(?:[^']|'')*')
    |(?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
    |(?P<number_of>\$\d+)
    |(?P<percent>%s|%\(\w+\)s)
    |(?P<cast>::)
    |(?P<colon>(?<![:\w\]]):(?:[^\W\d]\w*|'[^']*'))
    |(?P<word>[^\W\d][\w$]*)
    |(?P<number>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<end>;)
    |(?P<space>\s+)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
BLOCK_EDGE = re.compile(r"/\*|\*/")
PSQL_COPY = re.compile(r"\\copy\s+(.+?)\s+(from|to)\s.*", re.IGNORECASE | re.DOTALL)
PSQL_SENDS = re.compile(r"\\(?:;|(?:g\w*|crosstabview|watch)\b[^\n]*)")
READS_ROWS = re.compile(r"\s*COPY\b.*\bFROM\s+STDIN\b", re.IGNORECASE | re.DOTALL)
COUNTED_ROLE = re.compile(r"--\s*role:\s*(\S+)", re.IGNORECASE)
LITERALS = ("text", "number", "dollar")
UNSAID = ("comment", "block")
OPERANDS = ("text", "number", "dollar", "quoted", "number_of", "percent", "colon")
BEFORE_AN_OPERAND = re.compile(
    r"ALL|AND|ANY|AS|BETWEEN|BY|CASE|DISTINCT|ELSE|FETCH|FIRST|FROM|HAVING|ILIKE|IN|INTERVAL|IS|LIKE|LIMIT|NEXT|NOT"
    r"|OFFSET|ON|OR|RETURNING|SELECT|SET|SIMILAR|SOME|THEN|TO|USING|VALUES|WHEN|WHERE",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int


@dataclass(frozen=True)
class Piece:
    """One statement of a text: its tokens, the line on which it begins, and the role that a comment before it names."""

    tokens: tuple[Token, ...]
    line: int
    role: str = ""

    @property
    def text(self) -> str:
        """As PostgreSQL reads it."""
        return "".join(_with_numbers(self.tokens)).strip()


def tokens(text: str) -> Iterator[Token]:
    place = 0
    while place < len(text):
        found = TOKEN.match(text, place)
        assert found is not None  # the last alternative takes anything
        assert found.lastgroup is not None
        kind, end = found.lastgroup, found.end()
        if kind == "block":
            end = _end_of_block(text, end)
        elif kind == "dollar":
            closing = text.find(found[0], end)
            end = len(text) if closing < 0 else closing + len(found[0])
        yield Token(kind, text[place:end], place)
        place = end


def _end_of_block(text: str, place: int) -> int:
    """PostgreSQL's comments nest."""
    depth = 1
    while depth and (edge := BLOCK_EDGE.search(text, place)):
        depth += 1 if edge[0] == "/*" else -1
        place = edge.end()
    return len(text) if depth else place


def pieces(text: str) -> Iterator[Piece]:
    """Each statement of the text; rows of a COPY … FROM STDIN are passed over, `\\copy` is a COPY, and what else psql
    does is none."""
    line, role = 1, ""
    own: list[Token] = []
    rest, offset = text, 0
    while rest:
        for token in tokens(rest):
            if token.kind == "comment" and (named := COUNTED_ROLE.match(token.text)):
                role = named[1]
            if token.text == "\\" and _is_empty(own):
                offset = _end_of_line(rest, token.start)
                if copied := PSQL_COPY.match(rest[token.start : offset]):
                    kept = " ".join(("COPY", copied[1], copied[2], "STDIN"))
                    yield Piece(tuple(tokens(kept)), line + rest.count("\n", 0, token.start), role)
                own = []
                break
            if token.text == "\\" and not PSQL_SENDS.match(rest, token.start):
                end = _end_of_line(rest, token.start)  # psql does it at once, and goes on with the statement
                rest, offset, own = rest[: token.start] + " " * (end - token.start) + rest[end:], 0, []
                break
            if token.kind != "end" and token.text != "\\":
                own.append(token)
                continue
            sent = PSQL_SENDS.match(rest, token.start)
            offset = sent.end() if sent else token.start + 1
            if not _is_empty(own):
                first = next(one for one in own if one.kind not in (*UNSAID, "space"))
                yield (piece := Piece(tuple(own), line + rest.count("\n", 0, first.start), role))
                if READS_ROWS.match(piece.text):
                    offset = _end_of_rows(rest, offset)
            own = []
            break
        else:
            if not _is_empty(own):
                first = next(one for one in own if one.kind not in (*UNSAID, "space"))
                yield Piece(tuple(own), line + rest.count("\n", 0, first.start), role)
            return
        line += rest.count("\n", 0, offset)
        rest = rest[offset:]


def _is_empty(own: list[Token]) -> bool:
    return all(one.kind in (*UNSAID, "space") for one in own)


def _end_of_line(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _end_of_rows(text: str, place: int) -> int:
    """Where a dump's rows end, if they follow."""
    end = re.compile(r"^\\\.$", re.MULTILINE).search(text, place)
    return end.end() if end else place


def _with_numbers(own: tuple[Token, ...]) -> Iterator[str]:
    """The driver's parameters as `$1`; the same name is the same number."""
    used = [int(one.text[1:]) for one in own if one.kind == "number_of"]
    numbers: dict[str, int] = {}
    last, doubled = max(used, default=0), any(one.kind == "percent" for one in own)
    skip, marks = False, _marks(own)
    for one, following in zip(own, [*own[1:], None], strict=True):
        if skip:
            skip = False
        elif one.kind in ("percent", "colon") or one.start in marks:
            name = one.text if one.text not in ("%s", "?") else f"one at {one.start}"
            if name not in numbers:
                last += 1
                numbers[name] = last
            yield f"${numbers[name]}"
        elif doubled and one.text == "%" and following is not None and following.text == "%":
            skip = True
            yield "%"
        elif one.kind in UNSAID:
            yield " "
        else:
            yield one.text


def _marks(own: tuple[Token, ...]) -> set[int]:
    """Where a `?` is a parameter. It is an operator of jsonb where a value stands before it, or as a part of a longer
    one (`@?`)."""
    found, before = set[int](), Token("other", "", -1)
    for one in own:
        if one.kind in (*UNSAID, "space"):
            continue
        is_value = before.kind in OPERANDS or before.text in (")", "]") or before.start in found
        if before.kind == "word":
            is_value = BEFORE_AN_OPERAND.fullmatch(before.text) is None
        is_part = before.text in ("@", "?", "#") and before.start == one.start - 1
        if one.text == "?" and not is_value and not is_part:
            found.add(one.start)
        before = one
    return found


def normalised(text: str) -> str:
    """The statement as it is shown: a number for each literal, as pg_stat_statements has it, and single blanks."""
    own = tuple(tokens(text))
    last = max((int(one.text[1:]) for one in own if one.kind == "number_of"), default=0)
    parts = []
    for one in own:
        if one.kind in LITERALS:
            last += 1
            parts.append(f"${last}")
        else:
            parts.append(" " if one.kind in (*UNSAID, "space") else one.text)
    return re.sub(r" +", " ", "".join(parts)).strip().rstrip(";").rstrip()
