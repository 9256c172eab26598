"""What the admin's pages are made of: unfold's classes, with the types of Django's that they extend."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest

Method = TypeVar("Method", bound=Callable[..., str])

if TYPE_CHECKING:  # unfold has no types of its own
    from django.contrib.admin import ModelAdmin as _ModelAdmin
    from django.contrib.admin import TabularInline as _TabularInline
    from django.contrib.admin.views.main import ChangeList as _ChangeList
    from django.forms import Textarea

    class ModelAdmin(_ModelAdmin[Any]): ...

    class TabularInline(_TabularInline[Any, Any]): ...

    class ChangeList(_ChangeList): ...

    def labelled(*, description: str, ordering: str, label: dict[str, str]) -> Callable[[Method], Method]: ...

    class TextArea(Textarea): ...
else:
    from unfold.admin import ModelAdmin as ModelAdmin
    from unfold.admin import TabularInline as TabularInline
    from unfold.decorators import display
    from unfold.views import ChangeList as ChangeList
    from unfold.widgets import UnfoldAdminTextareaWidget

    labelled = display
    TextArea = UnfoldAdminTextareaWidget


class ReadOnly(ModelAdmin):
    """Looked at here, changed only through services."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
