"""What the operator's addresses take and give: findings and decisions, runs, and what is asked of a run."""

from rest_framework import serializers

from migrations_ops.review import service as review
from tenants.api.fields import Text

REASON = "why; it is written down with who asks"


class DecisionShape(serializers.Serializer[object]):
    table = Text(help_text="as people say it: users")
    key = Text(help_text="the row's key, as findings list it")
    tenant = Text(help_text="slug or id")
    reason = Text(trim_whitespace=True, help_text="why; it is written down")


class DecisionsBody(serializers.Serializer[object]):
    decisions = DecisionShape(many=True, allow_empty=False)
    dry_run = serializers.BooleanField(default=False, help_text="show the result, and write nothing")
    token = Text(default="", allow_blank=True, help_text="a dry run's: refused where a row has been decided since")


class WithdrawalBody(serializers.Serializer[object]):
    table = Text()
    key = Text()
    reason = Text()


class CountShape(serializers.Serializer[object]):
    table = serializers.CharField()
    check = serializers.CharField()
    kind = serializers.CharField()
    severity = serializers.CharField()
    blocking = serializers.BooleanField()
    open = serializers.IntegerField()
    decided = serializers.IntegerField()
    gone = serializers.IntegerField(allow_null=True)
    kept = serializers.IntegerField()
    found_at = serializers.CharField()


class RowShape(serializers.Serializer[object]):
    table = serializers.CharField()
    key = serializers.CharField()
    check = serializers.CharField()
    kind = serializers.CharField()
    message = serializers.CharField()
    state = serializers.CharField()


class FindingsAnswer(serializers.Serializer[object]):
    findings = CountShape(many=True)
    rows = RowShape(many=True)
    left_out = serializers.IntegerField(help_text="rows beyond the limit")


class MoveShape(serializers.Serializer[object]):
    table = serializers.CharField()
    rows = serializers.IntegerField()


class WithdrawalAnswer(serializers.Serializer[object]):
    """Also `from` and `to`: ids of tenants, or null."""

    table = serializers.CharField()
    key = serializers.CharField()
    moved = serializers.BooleanField()
    rule = serializers.CharField(allow_null=True)
    next = serializers.CharField(allow_null=True)


class DecisionsAnswer(serializers.Serializer[object]):
    decisions = serializers.DictField(child=serializers.IntegerField())
    moves = MoveShape(many=True, help_text="also `from` and `to`: slugs of tenants")
    token = serializers.CharField()
    carried_out = serializers.IntegerField(required=False)
    waits = serializers.CharField(required=False, allow_null=True, help_text="why the others wait for the next run")
    next = serializers.CharField(required=False, allow_null=True, help_text="the phase that has something to do")


# --- references into another tenant ---


class GroupShape(serializers.Serializer[object]):
    table = serializers.CharField()
    columns = serializers.CharField(help_text="by which its rows refer")
    tenant = serializers.CharField(help_text="whose rows refer; a slug")
    parent = serializers.CharField(help_text="the table referred to")  # type: ignore[assignment]  # a name of the answer
    parent_tenant = serializers.CharField(help_text="whose rows are referred to; a slug")
    references = serializers.IntegerField()


class GroupsAnswer(serializers.Serializer[object]):
    groups = GroupShape(many=True)


class ResolutionBody(serializers.Serializer[object]):
    table = Text()
    columns = Text(help_text="as the group has them")
    tenant = Text(help_text="slug or id")
    parent_tenant = Text(help_text="slug or id")
    way = serializers.ChoiceField(choices=[*review.REFERENCE_WAYS])
    keys = serializers.ListField(child=Text(), default=list, help_text="these referring rows alone")
    follow = serializers.BooleanField(default=False, help_text="moved or shared rows take along what they refer to")
    reason = Text(default="", allow_blank=True, help_text="why; it is written down. A dry run needs none")
    dry_run = serializers.BooleanField(default=False, help_text="show the result, and change nothing")
    token = Text(default="", allow_blank=True, help_text="a dry run's: refused where something has changed since")


class CrossingShape(serializers.Serializer[object]):
    table = serializers.CharField()
    columns = serializers.CharField()
    tenant = serializers.CharField(allow_null=True)
    parent = serializers.CharField()  # type: ignore[assignment]  # the same
    parent_tenant = serializers.CharField(allow_null=True)
    rows = serializers.IntegerField()


class ExposedShape(serializers.Serializer[object]):
    table = serializers.CharField()
    of = serializers.CharField(help_text="whose rows")
    to = serializers.CharField(help_text="who sees them from then on: a slug, or all tenants")
    rows = serializers.IntegerField()


class CopiesShape(serializers.Serializer[object]):
    """Also `for`: the slug of the tenant."""

    table = serializers.CharField()
    of = serializers.CharField()
    rows = serializers.IntegerField()


class ResolutionAnswer(GroupShape):
    way = serializers.CharField()
    open = serializers.IntegerField(help_text="references of the group, also those beyond one resolution")
    moves = MoveShape(many=True, help_text="also `from` and `to`: slugs of tenants")
    copies = CopiesShape(many=True)
    reused = serializers.IntegerField(help_text="copies of earlier resolutions that are used")
    emptied = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    exposes = ExposedShape(many=True)
    would_cross = CrossingShape(many=True, help_text="only afterwards; these forbid it")
    still_cross = CrossingShape(many=True)
    overruled = serializers.IntegerField(help_text="earlier decisions")
    says = serializers.ListField(child=serializers.CharField(), help_text="what follows, in sentences")
    refused = serializers.ListField(child=serializers.CharField(), help_text="what forbids it, in sentences")
    token = serializers.CharField()
    number = serializers.IntegerField(required=False, help_text="to undo it; where it was carried out")
    changed = serializers.IntegerField(required=False, help_text="rows that were changed or added")
    next = serializers.CharField(required=False, allow_null=True, help_text="the phase that has something to do")


class RowOfTable(serializers.Serializer[object]):
    table = serializers.CharField()
    key = serializers.CharField()


class UndoneAnswer(serializers.Serializer[object]):
    number = serializers.IntegerField()
    restored = serializers.DictField(child=serializers.IntegerField(), help_text="rows by table")
    removed = serializers.DictField(child=serializers.IntegerField(), help_text="copies by table")
    kept = RowOfTable(many=True, help_text="changed since, or other rows refer to it")
    next = serializers.CharField(allow_null=True)


class ReasonNeeded(serializers.Serializer[object]):
    reason = Text(help_text=REASON)


# --- runs ---


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
    kind = serializers.ChoiceField(choices=["run", "undo", "restore"])
    status = serializers.ChoiceField(choices=["running", "paused", "failed", "completed", "cancelled"])
    at_work = serializers.BooleanField(help_text="a process carries it out just now")
    in_background = serializers.BooleanField(help_text="workers carry it out")
    started_by = serializers.CharField()
    reason = serializers.CharField(help_text="why it was started; may be empty")
    started_at = serializers.CharField()
    finished_at = serializers.CharField(allow_null=True)
    scope = serializers.CharField(help_text="a canary's tenant:SLUG or table:NAME; empty for everything")
    stop_requested = serializers.CharField(help_text="pause or cancel, until its batch is over")
    progress = serializers.JSONField(
        allow_null=True,
        help_text="step, done, total, rows, rate (rows a second), seconds_left, or waits_for and waits_since",
    )
    seen_at = serializers.CharField(allow_null=True, help_text="when the progress was written")
    error = serializers.JSONField(allow_null=True, help_text="message, and problems where there are")


class OfTheList(RunShape):
    phases = serializers.ListField(child=serializers.CharField(), help_text="what was asked for, in order")


class OneRunShape(RunShape):
    workers = serializers.IntegerField(help_text="processes that carry it out just now")
    step = serializers.JSONField(allow_null=True, help_text="name and since of the step at work")
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


# --- what is asked of a run, and what comes back at once ---


class Reason(serializers.Serializer[object]):
    reason = Text(default="", allow_blank=True, help_text=REASON)


class StartBody(Reason):
    """Nothing named: everything that is left."""

    first = Text(default="", allow_blank=True, help_text="start at this phase; the earlier ones must be completed")
    last = Text(default="", allow_blank=True, help_text="stop after this phase; its number is enough of a name")
    only = Text(default="", allow_blank=True, help_text="this phase alone")
    tenant = Text(default="", allow_blank=True, help_text="a canary: the slug of the tenant that is carried over alone")
    table = Text(default="", allow_blank=True, help_text="a canary: the table that is carried over alone")


class UndoBody(Reason):
    phase = Text(default="", allow_blank=True, help_text="back to before this phase; else before the run's first")


class HandedOver(serializers.Serializer[object]):
    run = serializers.IntegerField(allow_null=True, help_text="its id; null where there is nothing to do")
    status = serializers.CharField(help_text="running, paused, cancelled, completed, failed, nothing_to_do")
