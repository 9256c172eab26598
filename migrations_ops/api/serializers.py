"""What the operator's addresses take and give."""

from rest_framework import serializers

from tenants.api.fields import Text


class DecisionShape(serializers.Serializer[object]):
    table = Text(help_text="as people say it: users")
    key = Text(help_text="the row's key, as findings list it")
    tenant = Text(help_text="slug or id")
    reason = Text(trim_whitespace=True, help_text="why; it is written down")


class DecisionsBody(serializers.Serializer[object]):
    decisions = DecisionShape(many=True, allow_empty=False)
    dry_run = serializers.BooleanField(default=False, help_text="say what it would come to, and write nothing")
    token = Text(default="", allow_blank=True, help_text="a dry run's: refused where somebody has decided since")


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
