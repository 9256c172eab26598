"""Values that attackers put into addresses to make a server fail."""

import json
from base64 import urlsafe_b64encode


def cursor(value: object) -> str:
    """A cursor as the service makes them, around something that it never put into one."""
    text = value if isinstance(value, str) else json.dumps(value)
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


ID = "11111111-1111-1111-1111-111111111111"
VALUES: dict[str, str | bytes] = {
    "NUL": "\0",
    "NUL inside": "a\0b",
    "half a character": "\ud800",
    "not UTF-8": b"\xed\xa0\x80\xff",
    "minus": "-1",
    "a bigint more": str(2**63),
    "an integer more": str(2**31),
    "four hundred digits": "9" * 401,
    "five thousand digits": "9" * 5000,
    "digits of elsewhere": "٣٤",
    "a superscript": "²",
    "not a number": "NaN",
    "endless": "1e400",
    "no id": "11111111-1111-1111-1111-11111111111g",
    "a list": "a,b,,\0,9" + "9" * 400,
    "long": "a" * 20_000,
    "quotes": "'\"\\;--%s%(x)s{}{0}",
    "a pattern": "%_\\",
    "a bracket": "[",
    "a place": "after-\0",
    "a place of many digits": "after-" + "9" * 5000,
    "a place in the ledger": f"after-{2**70}.{2**70}",
    "deep": "[" * 10_000,
    "cursor, deep": cursor("[" * 5_000 + "]" * 5_000),
    "cursor, deep objects": cursor('{"a":' * 2_000 + "1" + "}" * 2_000),
    "cursor, half a character": cursor(["\ud800", ID]),
    "cursor, NUL": cursor(["\0", ID]),
    "cursor, a number": cursor("[1e999999, 2]"),
    "cursor, many digits": cursor(f'["{"9" * 9000}", "{ID}"]'),
    "cursor, digits": cursor("9" * 9000),
    "cursor, of another kind": cursor({"a": 1}),
    "cursor, not UTF-8": "_____w",
    "nothing": "",
}
