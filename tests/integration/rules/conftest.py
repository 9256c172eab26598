"""A database with tables of every shape, and how it lowers letters."""

from collections.abc import Iterator

import pytest

from migrations_ops.engine.session import Session
from tests.support import engine_session
from tests.support.cast import PHARMA, PLATFORM
from tests.support.command_results import Manage
from tests.support.random_rules import ALPHABET
from tests.support.rule_tables import MOODS, NASTY, OWNERS, RUN, SHAPES
from vital.db import sql


@pytest.fixture(scope="module")
def session(server_url: str, manage: Manage) -> Iterator[Session]:
    """The engine's session on a database with VITAL's own tables and a table of every shape, with a run open."""
    with engine_session.on_empty_database(server_url, manage, "rules") as opened:
        opened.execute(sql.compose("CREATE TYPE mood AS ENUM ({m})", m=sql.join(sql.literal(mood) for mood in MOODS)))
        opened.execute("CREATE TABLE public.owners (id uuid PRIMARY KEY, tenant_id uuid)")
        for owner, tenant in zip(OWNERS, (None, PLATFORM, PHARMA), strict=False):
            opened.execute("INSERT INTO public.owners VALUES (%(o)s, %(t)s)", {"o": owner, "t": tenant})
        for shape in SHAPES.values():
            for statement in shape.create.split(";"):
                opened.execute(sql.verbatim(statement))
        opened.named("open_run", RUN)
        yield opened


@pytest.fixture(scope="module")
def lower(session: Session) -> dict[str, str]:
    """How the database lowers each letter that the tests use: its locale decides, not Python's."""
    letters = sorted(set("".join(NASTY) + ALPHABET + ALPHABET.upper()))
    return dict(session.execute("SELECT c, lower(c) FROM unnest(%(c)s::text[]) AS c", {"c": letters}))
