"""`/api/migrations/references` and `/resolutions`: references into another tenant, resolved and undone."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from migrations_ops.api.errors import refused
from migrations_ops.api.serializers import (
    GroupsAnswer,
    ReasonNeeded,
    ResolutionAnswer,
    ResolutionBody,
    UndoneAnswer,
)
from migrations_ops.review import service as review
from tenants.api.fields import CHOICE, refusals
from tenants.api.views import TenantView, json_answer


class References(TenantView):
    """The references into another tenant that are open: by table, columns and the two tenants, with how many."""

    for_operators = True

    @extend_schema(parameters=CHOICE, responses={200: GroupsAnswer, **refusals()})
    def get(self, request: Request) -> HttpResponse:
        with refused():
            return json_answer({"groups": review.reference_groups()})


class Resolutions(TenantView):
    """References of one group are resolved in one transaction, or nothing of it is done."""

    for_operators = True

    @extend_schema(parameters=CHOICE, request=ResolutionBody, responses={200: ResolutionAnswer, **refusals(409)})
    def post(self, request: Request) -> HttpResponse:
        body = self.body(ResolutionBody)
        named = {name: body[name] for name in ("table", "columns", "tenant", "parent_tenant", "way", "follow")}
        how = {"who": self.caller.name, "seen": body["token"], "dry_run": body["dry_run"]}
        with refused():
            wanted = review.References(**named, keys=tuple(body["keys"]))
            return json_answer(review.resolve(wanted, body["reason"], lambda why: None, **how))


class UndoResolution(TenantView):
    """A resolution is undone: rows have their tenants and references from before, and its copies are removed."""

    for_operators = True

    @extend_schema(parameters=CHOICE, request=ReasonNeeded, responses={200: UndoneAnswer, **refusals(404, 409)})
    def post(self, request: Request, number: str) -> HttpResponse:
        body = self.body(ReasonNeeded)
        with refused():
            document = review.undo_resolution(int(number), body["reason"], lambda why: None, who=self.caller.name)
            return json_answer(document)
