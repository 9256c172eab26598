"""`/api/migrations/runs` and `/preview`: what there is, and a new run, which a worker carries out."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from migrations_ops.api.base import Acting, handed_over, long_one
from migrations_ops.api.errors import refused
from migrations_ops.api.serializers import HandedOver, OneRunShape, RunFindings, RunsAnswer, StartBody
from migrations_ops.preview import service as previews
from migrations_ops.runs import service as run_service
from tenants.api.fields import CHOICE, refusals
from tenants.api.views import json_answer

LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description="1000 at most")
RUN = OpenApiParameter("run", OpenApiTypes.INT, OpenApiParameter.PATH, description="its id")


class Runs(Acting):
    """Every run and undo, the newest first; and a new one, which a worker carries out."""

    @extend_schema(
        operation_id="migrations_runs_list", parameters=[*CHOICE, LIMIT], responses={200: RunsAnswer, **refusals()}
    )
    def get(self, request: Request) -> HttpResponse:
        return json_answer({"runs": run_service.runs(self.whole_number("limit", 20, least=1, most=1000))})

    @extend_schema(parameters=CHOICE, request=StartBody, responses={200: HandedOver, 202: HandedOver, **refusals(409)})
    def post(self, request: Request) -> HttpResponse:
        body = self.body(StartBody)
        reason = body.pop("reason")
        with refused():
            return handed_over(
                run_service.start_in_background(run_service.Request(**body), who=self.who, reason=reason)
            )


class OneRun(Acting):
    """One run with its phases, and where it is."""

    @extend_schema(parameters=[*CHOICE, RUN], responses={200: OneRunShape, **refusals(404)})
    def get(self, request: Request, run: str) -> HttpResponse:
        with refused():
            return json_answer(run_service.one_run(int(run)))


class FindingsOfRun(Acting):
    """What the checks of a run found."""

    @extend_schema(parameters=[*CHOICE, RUN, LIMIT], responses={200: RunFindings, **refusals(404)})
    def get(self, request: Request, run: str) -> HttpResponse:
        with refused():
            limit = self.whole_number("limit", 100, least=0, most=1000)
            return json_answer(run_service.findings_of_run(int(run), limit))


class Preview(Acting):
    """What a run would do now: table by rule by tenant. It reads every row, and takes as long."""

    @extend_schema(parameters=CHOICE, responses={200: OpenApiTypes.OBJECT, **refusals(409)})
    def get(self, request: Request) -> HttpResponse:
        with long_one(), refused():
            return json_answer(previews.preview(None, lambda why: None))
