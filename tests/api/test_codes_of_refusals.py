"""Every refusal has a code for programs: each kind its own, listed in the reference and in the OpenAPI document."""

import re

import migrations_ops.api.urls  # noqa: F401  # the operators' addresses have refusals of their own
import vital.urls  # noqa: F401  # every kind of refusal is known once every view is imported
from tenants import errors
from tenants.errors import BadCredential, Refusal
from tests.support.cast import DIGITAL_HEALTH
from tests.support.contract import refusal_codes
from tests.support.service import Service
from tests.support.source import modules
from tests.support.tokens import user

SHARED = {BadCredential: "credential_refused"}  # whoever guesses need not know whether it was read


def kinds(of: type[Refusal] = Refusal) -> list[type[Refusal]]:
    return [of, *(kind for child in of.__subclasses__() for kind in kinds(child))]


def test_each_kind_has_a_code_of_its_own() -> None:
    own = [kind for kind in kinds() if kind not in SHARED]
    without = [kind.__name__ for kind in own if "code" not in kind.__dict__]
    given = [kind.code for kind in own]

    assert not without, f"Give each a code, and a line in docs/reference/api.md: {without}"
    assert len(set(given)) == len(given), sorted(given)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in given)
    assert {kind.code for kind in SHARED} == {*SHARED.values()} <= {*given}


def test_the_reference_has_each_with_its_status() -> None:
    assert refusal_codes() == {kind.code: str(kind.status) for kind in kinds()}


def test_the_document_has_each(service: Service) -> None:
    shape = service.get("/api/schema", user(DIGITAL_HEALTH)).json["components"]["schemas"]["ErrorShape"]

    assert shape["properties"]["code"]["enum"] == sorted(refusal_codes())
    assert {"error", "code"} <= {*shape["required"]}


def test_what_nobody_foresaw_has_one_too() -> None:
    answer = errors.answer_to(ZeroDivisionError("of the inside"))

    assert (answer.status_code, b'"code": "unexpected"' in answer.content) == (500, True)
    assert b"inside" not in answer.content


def test_an_error_is_written_in_one_place() -> None:
    """Whatever else made a body for one could forget its code."""
    api = re.compile(
        r"(tenants|catalog|migrations_ops)/(api/|middleware|errors)|vital/(middleware|health|openapi|front)"
    )
    writing = [module.path for module in modules() if api.match(module.path) and '"error":' in module.text]

    assert writing == ["tenants/errors.py"]
