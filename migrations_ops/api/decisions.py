"""`/api/migrations/findings`, `/decisions`, `/withdrawals`: what people should look at, and what they say about it."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from migrations_ops.api.errors import refused
from migrations_ops.api.serializers import (
    DecisionsAnswer,
    DecisionsBody,
    FindingsAnswer,
    WithdrawalAnswer,
    WithdrawalBody,
)
from migrations_ops.review import service as review
from tenants.api.fields import CHOICE, refusals
from tenants.api.views import TenantView, json_answer

MOST = 1000  # single rows in one answer
ASKED = [
    OpenApiParameter("table", OpenApiTypes.STR, description="of this table"),
    OpenApiParameter("check", OpenApiTypes.STR, description="of this kind, or with this in the check's name"),
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"single rows, {MOST} at most"),
]


class Findings(TenantView):
    """The rows that people should look at: by table and check with counts, and the first single ones."""

    for_operators = True

    @extend_schema(parameters=[*CHOICE, *ASKED], responses={200: FindingsAnswer, **refusals()})
    def get(self, request: Request) -> HttpResponse:
        wanted = review.Wanted(self.parameter("table"), self.parameter("check"))
        with refused():
            return json_answer(review.findings(wanted, self.whole_number("limit", 100, least=0, most=MOST)))


class Decisions(TenantView):
    """People's decisions about rows: they win over every rule. All of them are made, or none."""

    for_operators = True

    @extend_schema(parameters=CHOICE, request=DecisionsBody, responses={200: DecisionsAnswer, **refusals(409)})
    def post(self, request: Request) -> HttpResponse:
        body = self.body(DecisionsBody)
        given = [review.Decision(n, **one) for n, one in enumerate(body["decisions"], start=1)]
        how = {"who": self.caller.name, "seen": body["token"], "dry_run": body["dry_run"]}
        with refused():
            return json_answer(review.decide(lambda: given, lambda why: None, **how))


class Withdrawals(TenantView):
    """A decision is withdrawn: the row is what it was before it was decided, or what the rules say."""

    for_operators = True

    @extend_schema(parameters=CHOICE, request=WithdrawalBody, responses={200: WithdrawalAnswer, **refusals(409)})
    def post(self, request: Request) -> HttpResponse:
        body = self.body(WithdrawalBody)
        with refused():
            return json_answer(review.withdraw(**body, waiting=lambda why: None, who=self.caller.name))
