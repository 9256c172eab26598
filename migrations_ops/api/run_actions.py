"""`/api/migrations/runs/{run}/pause`, `/resume`, `/cancel`, `/undo`: what a person does to a run, with a reason."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from migrations_ops.api.base import Acting, handed_over
from migrations_ops.api.errors import refused
from migrations_ops.api.runs import RUN
from migrations_ops.api.serializers import HandedOver, Reason, UndoBody
from migrations_ops.runs import service as run_service
from tenants.api.fields import CHOICE, refusals
from tenants.api.views import json_answer
from tenants.errors import BadRequestBody

PATIENCE = 5  # seconds that a request waits for a run's batch
ANSWERS = {200: HandedOver, 202: HandedOver, **refusals(404, 409)}


class Pause(Acting):
    """Stop the run after its batch. 202 where it is still in it after some seconds."""

    what = "pause"

    @extend_schema(parameters=[*CHOICE, RUN], request=Reason, responses=ANSWERS)
    def post(self, request: Request, run: str) -> HttpResponse:
        by = run_service.Actor(self.who, self.body(Reason)["reason"])
        with refused():
            run_id, status = run_service.stop(self.what, PATIENCE, by, int(run))
            return json_answer({"run": run_id, "status": status}, status=202 if status == "running" else 200)


class Cancel(Pause):
    """Give the run up after its batch; what it did stays, and can be undone. 202 where it is still in its batch."""

    what = "cancel"


class Resume(Acting):
    """Go on with a run, or an undo, that was paused, has failed, or whose worker is gone."""

    @extend_schema(parameters=[*CHOICE, RUN], request=Reason, responses=ANSWERS)
    def post(self, request: Request, run: str) -> HttpResponse:
        reason = self.body(Reason)["reason"]
        with refused():
            return handed_over(run_service.resume_in_background(who=self.who, reason=reason, run=int(run)))


class Undo(Acting):
    """Undo what the run did, or from one of its phases on. Later phases depend on it and are undone first."""

    @extend_schema(parameters=[*CHOICE, RUN], request=UndoBody, responses=ANSWERS)
    def post(self, request: Request, run: str) -> HttpResponse:
        body = self.body(UndoBody)
        with refused():
            keys = [phase["phase"] for phase in run_service.one_run(int(run))["phases"]]
            names = {name: key for key in keys for name in (key, key.split("_", 1)[0])}
            if body["phase"] and body["phase"] not in names:
                raise BadRequestBody(f"The run has no such phase. Its phases are: {', '.join(keys)}.")
            first = names[body["phase"]] if body["phase"] else min(keys)
            return handed_over(run_service.undo_in_background(first, who=self.who, reason=body["reason"]))
