"""An SQL expression of the plan's own, the last resort of a rule, kept inside its parentheses.

Here only what would let a text be more than one expression is refused. What the expression says is judged by the server
itself, before a run: see `against`.
"""

import re

# Quotes end where PostgreSQL ends them, whatever the session's standard_conforming_strings: a text has no backslash,
# and what would let a quote begin or end elsewhere (E'…', U&"…", $$…$$) is refused.
TOKEN = re.compile(
    r"""
    (?P<escape>(?<![\w$])(?:[eE]|[uU]&)(?=['"])) | (?P<text>'(?:[^'\\]|'')*') | (?P<name>"(?:[^"]|"")+")
    | (?P<word>[^\W\d]\w*) | (?P<comment>--|/\*) | (?P<open>[(\[]) | (?P<close>[)\]]) | (?P<refused>[;$\\'"\0])
    | (?P<other>\s+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
QUERIES = frozenset({"select", "with", "values", "table"})
PAIRS = {")": "(", "]": "["}
WHY = {
    "comment": "has no comments",
    "escape": "has plain 'texts' and \"names\" only, no E'…' or U&'…'",
    "refused": "has no ; no $ no \\ and no quote without its end",
}


def problem(text: str) -> str:
    """Why this text is not one expression; empty where it is, or where the server will say so."""
    opened: list[str] = []
    for token in TOKEN.finditer(text):
        kind, sign = token.lastgroup, token[0]
        if kind in WHY:
            return f"the expression {WHY[kind]} (at {sign!r})"
        if kind == "word" and sign.lower() in QUERIES:
            return f"the expression asks about the row alone, it has no query of its own (at {sign!r})"
        if kind == "open":
            opened.append(sign)
        elif kind == "close" and (not opened or opened.pop() != PAIRS[sign]):
            return f"the expression closes what it did not open (at {sign!r})"
    if opened:
        return f"the expression does not close its {opened[-1]!r}"
    return "" if text.strip() else "the expression is empty"
