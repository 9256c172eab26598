"""How the addresses of runs show them."""

from rest_framework import serializers


class PhaseShape(serializers.Serializer[object]):
    """Once it has begun also its figures, `started_at`, `completed_at`, `error`, and `tables` with figures of each."""

    phase = serializers.CharField()
    status = serializers.CharField(help_text="pending, started, completed, failed, rolled_back")
    rows_seen = serializers.IntegerField(required=False)
    rows_changed = serializers.IntegerField(required=False)
    findings = serializers.IntegerField(required=False)
    seconds = serializers.FloatField(required=False, allow_null=True)
    error = serializers.CharField(required=False, allow_null=True)


class RunShape(serializers.Serializer[object]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=["run", "undo"])
    status = serializers.ChoiceField(choices=["running", "paused", "failed", "completed", "cancelled"])
    at_work = serializers.BooleanField(help_text="a process carries it out just now")
    in_background = serializers.BooleanField(help_text="workers carry it out")
    started_by = serializers.CharField()
    started_at = serializers.CharField()
    finished_at = serializers.CharField(allow_null=True)
    scope = serializers.CharField(help_text="a canary's tenant:SLUG or table:NAME; empty for everything")
    stop_requested = serializers.CharField(help_text="pause or cancel, until its batch is over")
    progress = serializers.JSONField(
        allow_null=True, help_text="step, done, total, rows, rate (rows a second), seconds_left, or waits_for"
    )
    seen_at = serializers.CharField(allow_null=True, help_text="when the progress was written")
    error = serializers.JSONField(allow_null=True, help_text="message, and problems where there are")


class OfTheList(RunShape):
    phases = serializers.ListField(child=serializers.CharField(), help_text="what was asked for, in order")


class OneRunShape(RunShape):
    workers = serializers.IntegerField(help_text="processes that carry it out just now")
    phases = PhaseShape(many=True)


class FoundShape(serializers.Serializer[object]):
    phase = serializers.CharField()
    check = serializers.CharField()
    severity = serializers.CharField()
    table = serializers.CharField()
    key = serializers.CharField()
    message = serializers.CharField()
    found_at = serializers.CharField()


class RunFindings(serializers.Serializer[object]):
    findings = FoundShape(many=True)
    left_out = serializers.IntegerField(help_text="beyond the limit")


class RunsAnswer(serializers.Serializer[object]):
    runs = OfTheList(many=True)
