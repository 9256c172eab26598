"""What was read from a file as the dataclass that it must be: the types of the fields are the schema."""

import json
import types
from dataclasses import MISSING, fields, is_dataclass
from math import isfinite
from typing import Any, Union, get_args, get_origin, get_type_hints

MOST = 2**63 - 1  # of a count; PostgreSQL's bigint
SHOWN = 60  # signs of a value
KINDS: dict[Any, str] = {str: "a text", bool: "true or false", int: "a whole number from 0", float: "a number"}


class Misshapen(ValueError):
    """Names the place, what must be there and what is."""


def parsed(text: str | bytes) -> Any:
    """JSON, with each name once and no number that JSON has not. Raises Misshapen."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise Misshapen("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise Misshapen("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Misshapen(f"it is not JSON at line {error.lineno}, column {error.colno}") from None
    except Misshapen:
        raise
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise Misshapen("a number in it is too long") from None


def read(kind: Any, value: object, where: str) -> Any:
    """The value as `kind`: a dataclass, list, tuple, dict, union or plain type. Raises Misshapen."""
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _dataclass(kind, value, where)
    if origin in (Union, types.UnionType):
        return None if value is None else read(next(one for one in inner if one is not type(None)), value, where)
    if origin is list:
        return [read(inner[0], item, f"{where}[{at}]") for at, item in enumerate(_is(list, "a list", value, where))]
    if origin is tuple:
        items = _is(list, "a list", value, where)
        if len(items) != len(inner):
            raise Misshapen(f"{where} must have {len(inner)} parts and has {len(items)}")
        return tuple(read(one, item, f"{where}[{at}]") for at, (one, item) in enumerate(zip(inner, items, strict=True)))
    if origin is dict:
        pairs = _is(dict, "an object", value, where).items()
        return {_text(name, where): read(inner[1], item, f"{where}.{brief(name)}") for name, item in pairs}
    return _plain(kind, value, where)


def brief(value: object) -> str:
    """A value as a sentence may have it: short, and of signs that every terminal has."""
    text = value if isinstance(value, str) and value.isascii() and value.isprintable() else ascii(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _plain(kind: Any, value: object, where: str) -> Any:
    if kind is Any:
        _any(value, where)
        return value
    if kind is str:
        return _text(value, where)
    if type(value) is not kind or (kind is int and not 0 <= value <= MOST):  # type: ignore[operator]  # an int by now
        raise Misshapen(f"{where} must be {KINDS[kind]}, not {brief(value)}")
    return value


def _dataclass(kind: Any, value: object, where: str) -> Any:
    given, hints = _is(dict, "an object", value, where), get_type_hints(kind)
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    if missing := [name for name in needed if name not in given]:
        raise Misshapen(f"{where} lacks {missing[0]}")
    if unknown := [name for name in given if name not in hints]:
        raise Misshapen(f"{where} has {brief(unknown[0])}, which is not known")
    return kind(**{name: read(hints[name], item, f"{where}.{name}") for name, item in given.items()})


def _is(kind: type, words: str, value: object, where: str) -> Any:
    if type(value) is not kind:
        raise Misshapen(f"{where} must be {words}, not {brief(value)}")
    return value


def _text(value: object, where: str) -> str:
    """What PostgreSQL can hold as text: no NUL, no half of a pair."""
    text: str = _is(str, KINDS[str], value, where)
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise Misshapen(f"{where} has a sign that no text may have: {brief(text)}")
    return text


def _any(value: object, where: str) -> None:
    """JSON of any shape, in which texts are texts too."""
    if isinstance(value, str):
        _text(value, where)
    elif isinstance(value, float) and not isfinite(value):
        raise Misshapen(f"{where} has a number that is too large")
    elif isinstance(value, list | dict):
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            _any(item, where)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Misshapen("a name is there twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise Misshapen(f"{name} is no number of JSON")
