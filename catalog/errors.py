"""Why legacy data is not loaded or generated; each class's docstring is its message."""


class LegacyError(Exception):
    """Something is wrong with the legacy data or tables."""

    exit_code = 1

    def __init__(self, **facts: str) -> None:
        super().__init__(" ".join((self.__doc__ or "").format(**facts).split()))


class TablesMissingError(LegacyError):
    """The database lacks {names}: run `./manage.py migrate`, which creates them all where none of the twelve exists."""


class NotEmptyError(LegacyError):
    """Nothing was changed. Only empty tables are filled, and these have rows: {names}."""


class BadFolderError(LegacyError):
    """{place}: {problem}. Nothing was loaded."""

    exit_code = 2
