"""While the service and its tables are of two versions, callers are told when to retry, and are then served."""

from tests.support.cast import PHARMA
from tests.support.contract import TOOLS, refusal
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import admin, user


def test_a_column_that_is_not_there_yet_is_a_503_and_then_all_is_well(own_service: ServiceUnderTest) -> None:
    service = own_service.service
    before = service.get(f"{TOOLS}?limit=1", user(PHARMA))
    assert before.status == 200, before

    own_service.sql("ALTER TABLE public.tools RENAME COLUMN category TO category_of_old")
    try:
        answer = service.post(TOOLS, admin(PHARMA), {"code": "scales", "name": "Scales"})
        listed = service.get(f"{TOOLS}?limit=2", user(PHARMA))
    finally:
        own_service.sql("ALTER TABLE public.tools RENAME COLUMN category_of_old TO category")

    for refused in (answer, listed):
        refusal(refused, 503)
        assert refused.headers["Retry-After"] == "30"
        assert "category" not in refused.text
    assert service.post(TOOLS, admin(PHARMA), {"code": "scales", "name": "Scales"}).status == 201
    assert service.get(f"{TOOLS}?limit=2", user(PHARMA)).status == 200
