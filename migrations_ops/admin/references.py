"""The page of references into another tenant: the ways to resolve them, what each comes to, and what was resolved."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from migrations_ops.admin.mixins import frame, refusals_as_messages, refuse_who_may_not
from migrations_ops.review import service as review
from tenants.admin.base import ModelAdmin

PAGE = "admin:migrations_ops_finding_references"
NAMES = ("table", "columns", "tenant", "parent_tenant")
WAYS = (
    ("move-child", "Move the referring rows to the other tenant, with what hangs on them"),
    ("move-parent", "Move the rows referred to, with what hangs on them, to this tenant"),
    ("share", "Make the rows referred to the Platform's: every tenant can read them"),
    ("copy", "Copy the rows referred to for this tenant, and refer to the copies"),
    ("accept", "Leave them as they are, and accept that"),
)


class ResolveForm(forms.Form):
    """How, and why."""

    way = forms.ChoiceField(choices=WAYS, widget=forms.RadioSelect, label="Resolve by")
    follow = forms.BooleanField(required=False, label="Moved or shared rows take along what they refer to")
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), help_text="It is kept with your name.")
    token = forms.CharField(widget=forms.HiddenInput, required=False)


def urls(model_admin: ModelAdmin) -> list[URLPattern]:
    view = model_admin.admin_site.admin_view
    return [
        path("references/", view(lambda request: page(model_admin, request)), name=PAGE.partition(":")[2]),
        path("references/undo/", view(undo), name=f"{PAGE.partition(':')[2]}_undo"),
    ]


def address(**words: str) -> str:
    """The page, of the group or the row with these words."""
    return f"{reverse(PAGE)}?{urlencode(words)}" if words else reverse(PAGE)


def page(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """The groups; of one that is chosen the ways, posted a preview, and confirmed the list again."""
    refuse_who_may_not(request)
    asked = {name: request.GET.get(name, "").replace("\0", "") for name in (*NAMES, "key")}
    chosen = {name: asked[name] for name in NAMES} if all(asked[name] for name in NAMES) else {}
    form, document = ResolveForm(request.POST or None), dict[str, Any]()
    if request.method == "POST" and chosen and form.is_valid():
        keys = (asked["key"],) if asked["key"] else ()
        wanted = review.References(
            **chosen, way=form.cleaned_data["way"], keys=keys, follow=form.cleaned_data["follow"]
        )
        with refusals_as_messages(request):
            if form.cleaned_data["token"]:
                return _resolve(request, wanted, form)
            document = review.resolve(wanted, form.cleaned_data["reason"], _no_wait_callback, dry_run=True)
    groups: list[dict[str, Any]] = []
    with refusals_as_messages(request):
        if not chosen:
            groups = review.reference_groups(asked["table"], asked["key"])
    more = {"key": asked["key"]} if asked["key"] else {}
    facts = {
        "chosen": chosen,
        "key": asked["key"],
        "form": form,
        "document": document,
        "way": dict(WAYS).get(document.get("way", ""), ""),
        "groups": [(group, address(**{name: group[name] for name in NAMES}, **more)) for group in groups],
        "resolutions": [] if chosen else review.resolutions(),
        "every": address(),
        "whole": address(**chosen) if chosen and asked["key"] else "",
        "cancel": address(**{name: word for name, word in asked.items() if word}) if document else address(),
    }
    title = "References"
    return TemplateResponse(request, "migrations_ops/references.html", frame(model_admin, request, title, **facts))


def _resolve(request: HttpRequest, wanted: Any, form: ResolveForm) -> HttpResponse:
    how = {"who": request.user.get_username(), "seen": form.cleaned_data["token"]}
    done = review.resolve(wanted, form.cleaned_data["reason"], _no_wait_callback, **how)
    left = done["open"] - done["references"]
    rest = f" {left:,} more are left in this group." if left and not wanted.keys else ""
    messages.success(request, f"Resolution {done['number']}: {done['references']:,} resolved.{rest}")
    return HttpResponseRedirect(address())


def undo(request: HttpRequest) -> HttpResponse:
    """A resolution is undone, if a reason is given."""
    refuse_who_may_not(request)
    number = request.POST.get("number", "")
    if request.method == "POST" and number.isdecimal() and len(number) <= 18:
        with refusals_as_messages(request):
            reason, who = request.POST.get("reason", ""), request.user.get_username()
            done = review.undo_resolution(int(number), reason, _no_wait_callback, who=who)
            kept = f" Kept, as they were changed since or other rows refer to them: {len(done['kept']):,}."
            restored, removed = (sum(done[name].values()) for name in ("restored", "removed"))
            sentence = f"Resolution {number} is undone. Restored: {restored:,}. Copies removed: {removed:,}."
            messages.success(request, sentence + (kept if done["kept"] else ""))
    return HttpResponseRedirect(address())


def _no_wait_callback(why: str) -> None:
    """What is waited for is on no page: it comes when it is done."""
