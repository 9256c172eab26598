"""The operator's addresses, with and without a trailing slash."""

from django.urls import re_path

from migrations_ops.api.decisions import Decisions, Findings, Withdrawals

urlpatterns = [
    re_path(r"^migrations/findings/?$", Findings.as_view()),
    re_path(r"^migrations/decisions/?$", Decisions.as_view()),
    re_path(r"^migrations/withdrawals/?$", Withdrawals.as_view()),
]
