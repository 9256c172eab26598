"""Doors that open when somebody comes: a name is imported from the module behind it as it is asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def names_of(room: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a room's door (PEP 562): module of the room → the names that it gives."""
    behind = {name: module for module, names in modules.items() for name in names.split()}

    def found(name: str) -> Any:
        if name not in behind:
            raise AttributeError(f"{room}.service has no {name}")
        value = getattr(import_module(f"{room}.{behind[name]}"), name)
        setattr(import_module(f"{room}.service"), name, value)  # it is not asked for again
        return value

    return found
