"""What the admin's pages are made of: unfold's classes, with the types of Django's that they extend."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import capfirst

from tenants.admin.csv_export import WithExport
from tenants.admin.links import WithLinks

Method = TypeVar("Method", bound=Callable[..., str])

if TYPE_CHECKING:  # unfold has no types of its own
    from django.contrib.admin import ModelAdmin as _ModelAdmin
    from django.contrib.admin import TabularInline as _TabularInline
    from django.contrib.admin.views.main import ChangeList as _ChangeList
    from django.contrib.auth.forms import AdminPasswordChangeForm as AdminPasswordChangeForm
    from django.contrib.auth.forms import UserChangeForm as UserChangeForm
    from django.contrib.auth.forms import UserCreationForm as UserCreationForm
    from django.forms import ModelChoiceField, ModelMultipleChoiceField, Select, SelectMultiple, Textarea

    class _Admin(_ModelAdmin[Any]): ...

    class TabularInline(_TabularInline[Any, Any]): ...

    class _List(_ChangeList): ...

    def labelled(*, description: str, ordering: str, label: dict[str, str]) -> Callable[[Method], Method]: ...

    class TextArea(Textarea): ...

    class AutocompleteField(ModelChoiceField[Any]): ...

    class ManyAutocompleteField(ModelMultipleChoiceField[Any]): ...

    class OneSearched(Select): ...

    class ManySearched(SelectMultiple): ...
else:
    from unfold.admin import ModelAdmin as _Admin
    from unfold.admin import TabularInline as TabularInline
    from unfold.decorators import display
    from unfold.fields import UnfoldAdminAutocompleteModelChoiceField, UnfoldAdminMultipleAutocompleteModelChoiceField
    from unfold.forms import AdminPasswordChangeForm as AdminPasswordChangeForm
    from unfold.forms import UserChangeForm as UserChangeForm
    from unfold.forms import UserCreationForm as UserCreationForm
    from unfold.views import ChangeList as _List
    from unfold.widgets import (
        UnfoldAdminAutocompleteModelChoiceFieldWidget,
        UnfoldAdminMultipleAutocompleteModelChoiceFieldWidget,
        UnfoldAdminTextareaWidget,
    )

    labelled = display
    AutocompleteField = UnfoldAdminAutocompleteModelChoiceField
    ManyAutocompleteField = UnfoldAdminMultipleAutocompleteModelChoiceField
    OneSearched = UnfoldAdminAutocompleteModelChoiceFieldWidget
    ManySearched = UnfoldAdminMultipleAutocompleteModelChoiceFieldWidget
    TextArea = UnfoldAdminTextareaWidget


class ChangeList(_List):
    """A list is titled as the sidebar calls it."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self.title = capfirst(str(self.opts.verbose_name_plural))

    def every_row(self, at_once: int) -> Iterator[Model]:
        """What the list shows on all its pages, by a cursor of the server's: no more than `at_once` rows are here."""
        yield from self.queryset.iterator(chunk_size=at_once)


class ModelAdmin(WithExport, WithLinks, _Admin):
    """`nothing_yet`: what an empty list says, and what to do first."""

    list_before_template = "tenants/nothing_yet.html"
    nothing_yet = ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[_List]:
        return ChangeList


class ReadOnly(ModelAdmin):
    """Looked at here, changed only through services."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
