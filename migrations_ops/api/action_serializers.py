"""What is sent to do something to a run, and what comes back at once."""

from rest_framework import serializers

from tenants.api.fields import Text

REASON = "why; it is written down with who asks"


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
