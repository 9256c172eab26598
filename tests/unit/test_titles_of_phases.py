"""What phases are called is known without making their steps."""

from django.conf import settings

from migrations_ops.plan import TITLES, phases
from migrations_ops.rules.load import load


def test_the_titles_are_those_of_the_phases() -> None:
    made = phases(load(settings.PLAN))

    assert list(TITLES.items()) == [(phase.key, phase.title) for phase in made]
    assert [key[:3] for key in TITLES] == [f"{number:03}" for number in range(7)]
