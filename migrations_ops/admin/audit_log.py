"""What people did, newest first: who, what, why. It can be read and never changed, here or anywhere."""

from typing import ClassVar

from django.contrib import admin

from migrations_ops.admin.links import facts_of
from migrations_ops.models import AuditEvent
from tenants.admin.base import ReadOnly
from tenants.admin.links import one


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    list_display = ("at", "who", "action", "reason", "about")
    list_filter = ("action",)
    search_fields = ("who", "reason")
    search_help_text = "who or reason"
    ordering = ("-id",)
    list_per_page = 50
    nothing_yet = "The audit is empty: it keeps what people do, such as starting a run or deciding about a row."
    fields = ("at", "who", "action", "reason", "about", "facts")
    links: ClassVar = {"who": one("staff", "who"), "about": facts_of}

    def about(self, event: AuditEvent) -> None:
        """Its cells are links: see `links`."""
