"""The operator's addresses, with and without a trailing slash."""

from django.urls import re_path

from migrations_ops.api.decisions import Decisions, Findings, Withdrawals
from migrations_ops.api.events import Events
from migrations_ops.api.references import References, Resolutions, UndoResolution
from migrations_ops.api.run_actions import Cancel, Pause, Resume, Undo
from migrations_ops.api.runs import FindingsOfRun, OneRun, Preview, Runs

RUN = r"^migrations/runs/(?P<run>\d{1,18})"

urlpatterns = [
    re_path(r"^migrations/findings/?$", Findings.as_view()),
    re_path(r"^migrations/decisions/?$", Decisions.as_view()),
    re_path(r"^migrations/withdrawals/?$", Withdrawals.as_view()),
    re_path(r"^migrations/references/?$", References.as_view()),
    re_path(r"^migrations/resolutions/?$", Resolutions.as_view()),
    re_path(r"^migrations/resolutions/(?P<number>\d{1,18})/undo/?$", UndoResolution.as_view()),
    re_path(r"^migrations/preview/?$", Preview.as_view()),
    re_path(r"^migrations/runs/?$", Runs.as_view()),
    re_path(rf"{RUN}/?$", OneRun.as_view()),
    re_path(rf"{RUN}/findings/?$", FindingsOfRun.as_view()),
    re_path(rf"{RUN}/events/?$", Events.as_view()),
    re_path(rf"{RUN}/pause/?$", Pause.as_view()),
    re_path(rf"{RUN}/resume/?$", Resume.as_view()),
    re_path(rf"{RUN}/cancel/?$", Cancel.as_view()),
    re_path(rf"{RUN}/undo/?$", Undo.as_view()),
]
