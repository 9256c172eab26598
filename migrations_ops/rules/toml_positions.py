"""Where in the text of a TOML file a value stands. `tomllib` reads the values and tells no positions, so the text is
parsed once more, by tree-sitter, when somebody asks."""

import tomllib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from migrations_ops.rules.reader import Place

if TYPE_CHECKING:
    from tree_sitter import Node

Position = tuple[int, int]  # line and column, both from 1


def position(text: str, place: Place) -> Position:
    """The line and column of the value at this place, or of the nearest around it that is written down."""
    import tree_sitter_toml  # a plan is read by every command, and few have something wrong
    from tree_sitter import Language, Parser

    # Carriage returns end a line only together with a line feed, in TOML as in tree-sitter.
    tree = Parser(Language(tree_sitter_toml.language())).parse(text.encode())
    found = dict(reversed(list(_document(tree.root_node))))
    while place not in found:
        if not place:
            return 1, 1
        place = place[:-1]
    return found[place]


def _document(root: "Node") -> Iterator[tuple[Place, Position]]:
    """(place, position) of everything in the file, in its order."""
    lists: dict[Place, int] = {}  # how many [[…]] of this place there were so far
    for node in root.named_children:
        if node.type == "pair":
            yield from _pair((), node)
        elif node.type in ("table", "table_array_element"):
            place = _headed(node, lists)
            position = _at(node)
            yield from ((place[:length], position) for length in range(1, len(place) + 1))
            for child in node.named_children[1:]:
                if child.type == "pair":
                    yield from _pair(place, child)


def _headed(node: "Node", lists: dict[Place, int]) -> Place:
    """The place that a header names: the last table of each list on the way, a new one where it is [[…]]."""
    names = _keys(node.named_children[0])
    place: Place = ()
    for name in names[:-1]:
        place = (*place, name)
        if place in lists:
            place = (*place, lists[place] - 1)
    place = (*place, names[-1])
    if node.type == "table_array_element":
        lists[place] = lists.get(place, 0) + 1
        place = (*place, lists[place] - 1)
    return place


def _pair(place: Place, node: "Node") -> Iterator[tuple[Place, Position]]:
    key, value = (child for child in node.named_children if child.type != "comment")
    names = _keys(key)
    yield from (((*place, *names[:length]), _at(key)) for length in range(1, len(names) + 1))
    yield from _inside((*place, *names), value)


def _inside(place: Place, value: "Node") -> Iterator[tuple[Place, Position]]:
    parts = [child for child in value.named_children if child.type != "comment"]
    if value.type == "inline_table":
        for part in parts:
            yield from _pair(place, part)
    elif value.type == "array":
        for number, part in enumerate(parts):
            yield (*place, number), _at(part)
            yield from _inside((*place, number), part)


def _keys(node: "Node") -> list[str]:
    """The names of a key, as TOML spells them: bare, quoted, several with dots."""
    names, rest = [], tomllib.loads(f"{_text(node)} = 0")
    while isinstance(rest, dict):
        ((name, rest),) = rest.items()
        names.append(name)
    return names


def _at(node: "Node") -> Position:
    """tree-sitter counts bytes, people count letters."""
    row, column = node.start_point
    line = node.start_byte - column
    root = node
    while root.parent is not None:
        root = root.parent
    before = (root.text or b"")[line - root.start_byte : node.start_byte - root.start_byte]
    return row + 1, len(before.decode()) + 1


def _text(node: "Node") -> str:
    return (node.text or b"").decode()
