"""How an error leaves a command: one sentence, and the exit code that the commands document."""

from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from catalog.errors import BadFolderError
from migrations_ops.rules.service import PlanError
from tenants.management.access_command import Refused
from vital.cli.exit_codes import DONE, FAILED, STOPPED, USAGE, Answer, guarded
from vital.db.embedded import EmbeddedError
from vital.errors import OutOfOrder, Problem, Stopped, UndoRefused, require_reason
from vital.port import PortError

NOTHING_THERE = Path("/proc/nobody")


def ended(error: BaseException, log_dir: Path = NOTHING_THERE) -> Answer:
    def act() -> Answer:
        raise error

    return guarded(act, "Nothing was changed.", log_dir)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutOfOrder(phase="006", needed="005"), USAGE),
        (Stopped(), STOPPED),
        (UndoRefused(count=1, advice="Say --archive FILE."), FAILED),
        (PlanError("a table has no key"), USAGE),
        (EmbeddedError("initdb failed"), USAGE),
        (PortError("Port 3000 is taken"), USAGE),
        (Refused("There is no tenant x."), USAGE),
        (BadFolderError(place="x", problem="it is no folder"), USAGE),
        (ImproperlyConfigured("VITAL_TIMEOUT is no number"), USAGE),
        (CommandError("it did not succeed", returncode=FAILED), FAILED),
        (psycopg.OperationalError("connection refused"), USAGE),
        (psycopg.errors.InsufficientPrivilege("permission denied"), FAILED),
        (psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"), FAILED),
        (OSError(28, "No space left on device"), FAILED),
        (KeyboardInterrupt(), STOPPED),
    ],
    ids=lambda given: type(given).__name__,
)
def test_an_error_that_was_foreseen_has_its_code_and_says_what_it_says(error: BaseException, code: int) -> None:
    document, ends_with = ended(error)

    assert ends_with == code
    assert (str(error) or "Nothing was changed.") in document["error"]
    assert "mistake of VITAL's" not in document["error"]


def test_what_goes_well_is_handed_on() -> None:
    assert guarded(lambda: ({"rows": 3}, DONE)) == ({"rows": 3}, DONE)


def test_what_stands_in_the_way_is_listed() -> None:
    document, _ = ended(UndoRefused(count=1, advice="", problems=[Problem("public.users", "7", "is another's")]))

    assert document["problems"] == [{"table": "users", "key": "7", "message": "is another's"}]


def test_a_mistake_of_ours_is_one_sentence_and_its_traceback_a_file(tmp_path: Path) -> None:
    document, code = ended(ZeroDivisionError("division by zero"), tmp_path)

    assert code == FAILED
    assert document["error"].startswith("ZeroDivisionError: division by zero. This is a mistake of VITAL's")
    assert "\n" not in document["error"]
    assert "Traceback" in (tmp_path / "error.log").read_text(encoding="utf-8")


def test_where_that_file_cannot_be_written_there_is_the_sentence_still() -> None:
    document, code = ended(ZeroDivisionError("division by zero"))

    assert code == FAILED
    assert "cannot be written" in document["error"]


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reason_that_is_missing_is_refused_with_what_wants_it(reason: str) -> None:
    def act() -> Answer:
        require_reason(reason, "Moving rows")
        return {}, DONE

    document, code = guarded(act)

    assert code == USAGE
    assert document["error"].startswith("Moving rows is written down with its reason: say --reason")
    assert require_reason(" contract 17 ", "Moving rows") == "contract 17"
