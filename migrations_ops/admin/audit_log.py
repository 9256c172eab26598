"""What people did, newest first: who, what, why. It can be read and never changed, here or anywhere."""

from django.contrib import admin

from migrations_ops.models import AuditEvent
from tenants.admin.base import ReadOnly


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    list_display = ("at", "who", "action", "reason", "about")
    list_filter = ("action",)
    search_fields = ("who", "reason")
    search_help_text = "who or reason"
    ordering = ("-id",)
    list_per_page = 50

    @admin.display(description="about")
    def about(self, event: AuditEvent) -> str:
        return ", ".join(f"{name} {value}" for name, value in event.facts.items())[:120]
