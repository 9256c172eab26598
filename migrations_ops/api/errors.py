"""What the rooms refuse is an answer with a status."""

from collections.abc import Iterator
from contextlib import contextmanager

from migrations_ops.runs import service as runs
from tenants.errors import BadRequestBody, Conflict, NotFound, Refusal, Unavailable
from vital.errors import AnotherRunIsActive, EngineError


class OperationRefused(Conflict):
    """This cannot be done now."""

    code = "operation_refused"


class AnotherRun(Conflict):
    """Another run is active. Wait for it, or pause or cancel it."""

    code = "another_run_is_active"


@contextmanager
def refused() -> Iterator[None]:
    """400 where what was asked is to be mended, 404 for a run that is not there, 503 without Redis, else 409."""
    try:
        yield
    except runs.UnknownRun as error:
        raise NotFound("There is no such run.") from error
    except runs.BrokerIsDown as error:
        raise Unavailable(str(error)) from error
    except AnotherRunIsActive as error:
        holder = error.facts["holder"]
        raise AnotherRun(details=holder) from error
    except EngineError as error:
        raise _refusal(error) from error


def _refusal(error: EngineError) -> Refusal:
    sentence, _, more = str(error).partition("\n")
    found = error.facts.get("problems", ())
    problems = [{"table": one.relation, "key": one.key, "message": one.message} for one in found]
    wrong = error.exit_code == 2 and not isinstance(error, runs.NOT_NOW)
    return (BadRequestBody if wrong else OperationRefused)(
        sentence.strip(), details=problems or more.splitlines() or None
    )
