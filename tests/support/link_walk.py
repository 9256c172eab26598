"""A walk along the links of the service's pages: each page once, a few of each kind, and what leads nowhere."""

from collections import Counter, deque
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from django.urls import Resolver404, resolve

OF_A_KIND = 1  # links that are followed of one address and the same filters
FILTERS = 1  # at once; more are the same again
ASSETS = ("/static/", "/admin/jsi18n/")
HOST = "testserver"


@dataclass(frozen=True)
class Seen:
    """What opening an address came to. A file that is sent has no links and no places."""

    status: int
    links: Set[str] = frozenset()
    places: Set[str] = frozenset()  # ids of its elements
    is_page: bool = False


@dataclass
class Walk:
    """A person who follows links by GET alone, as `look` opens them. `problems` are those that lead nowhere."""

    look: Callable[[str], Seen]
    problems: list[str] = field(default_factory=list)
    opened: dict[str, Seen] = field(default_factory=dict)  # by address
    followed: Counter[Any] = field(default_factory=Counter)

    def from_page(self, start: str) -> None:
        waiting: deque[tuple[str, str]] = deque([(start, "the start")])
        while waiting:
            address, origin = waiting.popleft()
            if address in self.opened or not self._is_due(address):
                continue
            seen = self.opened[address] = self.look(address)
            self._judge(seen, address, origin)
            links = {link for link in seen.links if not link.startswith("#")}
            waiting += [(found, address) for link in sorted(links) if (found := inside(address, link))]

    def _is_due(self, address: str) -> bool:
        """Few of each kind: the pattern of the address with the filters that are set."""
        parts = urlsplit(address)
        names = frozenset(parse_qs(parts.query, keep_blank_values=True))
        kind = (pattern_of(parts.path), names)
        self.followed[kind] += 1
        return len(names) <= FILTERS and self.followed[kind] <= OF_A_KIND

    def _judge(self, seen: Seen, address: str, origin: str) -> None:
        if seen.status != 200:
            self.problems.append(f"{seen.status} {address}, from {origin}")
        elif seen.is_page and not any(inside(address, link) not in (None, address) for link in seen.links):
            self.problems.append(f"no way on from {address}")

    def missing_places(self) -> list[str]:
        """Links to a place in a page that is not there."""
        return [
            f"#{place} of {target or address}, from {address}"
            for address, seen in self.opened.items()
            for link in seen.links
            for target, place in [(inside(address, link.partition("#")[0]), link.partition("#")[2])]
            if place and not place.startswith("/") and target in self.opened and place not in self.opened[target].places
        ]


def pattern_of(path: str) -> str:
    """The path itself where there is no such address: it is opened, and is a problem."""
    try:
        return str(resolve(path).route)
    except Resolver404:
        return path


def inside(address: str, link: str) -> str | None:
    """Where the link leads, if to a page of the service."""
    found = urlsplit(urljoin(f"http://{HOST}{address}", link))
    if found.netloc != HOST or found.path.startswith(ASSETS):
        return None
    return found.path + (f"?{found.query}" if found.query else "")
