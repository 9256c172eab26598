"""What is filled in about a tenant."""

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import capfirst

from tenants.admin.tenant_choice import TenantChoice
from tenants.lifecycle import service as lifecycle
from vital.errors import EngineError

SWITCHES = {"true or false": [("", "not set"), ("true", "on"), ("false", "off")]}
SHORT_FORMS = ("rag", "mfa")
BOX = "bg-white border border-base-300 px-3 py-2 rounded-default w-full dark:bg-base-900 dark:border-base-700"
UPLOAD, DOWNLOAD = "upload", "download"
Document = dict[str, Any]


class ActionForm(forms.Form):
    """What an action on a tenant needs, and why it is done. `carry_out` goes by the same door as the command."""

    prefix_of_ids = "action"

    def __init__(self, tenant: Document, data: Any = None) -> None:
        super().__init__(data, auto_id=f"{self.prefix_of_ids}-%s")
        self.tenant, self.slug = tenant, tenant["slug"]
        self.add_fields()
        self.fields["reason"] = reason_field()

    def add_fields(self) -> None:
        """Those before the reason."""

    def question(self) -> str:
        """What is asked before it is done, with what it comes to."""
        raise NotImplementedError

    def carry_out(self, who: str) -> str:
        """Do it, and return what to say. Raises EngineError."""
        raise NotImplementedError

    @property
    def reason(self) -> str:
        return str(self.cleaned_data["reason"])


class SettingsForm(ActionForm):
    """One field for each setting. What was shown is sent along: only what differs from it is changed, and what others
    have set meanwhile stays."""

    prefix_of_ids = "settings"

    def add_fields(self) -> None:
        kinds = lifecycle.kinds_of_settings()
        for name, value in lifecycle.settings_of(self.tenant).items():
            field = box_field(kinds[name])
            field.label = _label(name.rpartition(".")[2])
            field.required, field.show_hidden_initial, field.initial = False, True, _text(value)
            self.fields[name] = field

    def changes(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in self.changed_data if name != "reason"}

    def question(self) -> str:
        changes = [f"{name} to {value or 'not set'}" for name, value in self.changes().items()]
        return (
            f"Set {', '.join(changes)}? They take effect within a second."
            if changes
            else "No setting differs. Continue?"
        )

    def carry_out(self, who: str) -> str:
        changed = lifecycle.configure_tenant(self.slug, self.changes(), self.reason, who=who)["changed"]
        return f"{len(changed)} settings are changed. They take effect within a second."


class StateForm(ActionForm):
    """Suspended, or let in again."""

    prefix_of_ids = "state"

    def question(self) -> str:
        if self.tenant["is_active"]:
            return "Within a second its tokens, API keys and staff are refused. Its rows are kept."
        return "Within a second its access is as it was before."

    def carry_out(self, who: str) -> str:
        wanted = not self.tenant["is_active"]
        active = lifecycle.set_tenant_active(self.slug, self.reason, active=wanted, who=who)["is_active"]
        return f"{self.slug} is {'active' if active else 'suspended'} within a second."


class AddHostForm(ActionForm):
    prefix_of_ids = "add-host"

    def add_fields(self) -> None:
        self.fields["host"] = box_field("ai.pharma.example")
        self.fields["host"].label = "Host name"

    def question(self) -> str:
        host = self.cleaned_data["host"]
        return f"Requests under {host} belong to this tenant within a second, once VITAL_ALLOWED_HOSTS has it."

    def carry_out(self, who: str) -> str:
        lifecycle.add_host(self.slug, self.cleaned_data["host"], self.reason, who=who)
        return "The host name is added. It takes effect within a second."


class RemoveHostForm(ActionForm):
    """Any but the slug and the domain, which are its own."""

    prefix_of_ids = "remove-host"

    def add_fields(self) -> None:
        own = (self.slug, (self.tenant["domain"] or "").lower())
        self.fields["host"] = chosen_field("Host name", [host for host in self.tenant["hosts"] if host not in own])

    def question(self) -> str:
        return f"Requests under {self.cleaned_data['host']} no longer belong to this tenant, within a second."

    def carry_out(self, who: str) -> str:
        lifecycle.remove_host(self.slug, self.cleaned_data["host"], self.reason, who=who)
        return "The host name is removed. It takes effect within a second."


class AddAliasForm(ActionForm):
    prefix_of_ids = "add-alias"

    def add_fields(self) -> None:
        self.fields["alias"] = box_field("the UUID by which an application knows it")
        self.fields["alias"].label = "Further id"

    def question(self) -> str:
        return f"{self.cleaned_data['alias']} names this tenant in every request, within a second."

    def carry_out(self, who: str) -> str:
        lifecycle.add_alias(self.slug, self.cleaned_data["alias"], self.reason, who=who)
        return "The further id is added. It takes effect within a second."


class RemoveAliasForm(ActionForm):
    prefix_of_ids = "remove-alias"

    def add_fields(self) -> None:
        self.fields["alias"] = chosen_field("Further id", self.tenant["aliases"])

    def question(self) -> str:
        return f"{self.cleaned_data['alias']} no longer names this tenant, within a second."

    def carry_out(self, who: str) -> str:
        lifecycle.remove_alias(self.slug, self.cleaned_data["alias"], self.reason, who=who)
        return "The further id is removed. It takes effect within a second."


class NewTenantForm(forms.Form):
    """A tenant that has no rows yet. Its id is made."""

    name = forms.CharField(label="Name", help_text="as people read it", widget=forms.TextInput(attrs={"class": BOX}))
    slug = forms.CharField(
        label="Slug",
        help_text="lowercase letters, digits and hyphens; its subdomain",
        widget=forms.TextInput({"class": BOX}),
    )
    domain = forms.CharField(
        label="Domain", required=False, help_text="a host name of its own", widget=forms.TextInput({"class": BOX})
    )
    like = TenantChoice(
        by="slug", label="Settings like", required=False, help_text="copied from this tenant; empty: the defaults"
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["reason"] = reason_field()

    def wanted(self) -> lifecycle.New:
        like = self.cleaned_data["like"]
        given = {name: self.cleaned_data[name] for name in ("slug", "name", "domain")}
        return lifecycle.New(**given, like=like.slug if like else "")


class ExportForm(ActionForm):
    """Where the archive goes."""

    prefix_of_ids = "export"

    def add_fields(self) -> None:
        places = [(DOWNLOAD, "download it"), ("server", f"keep it on the server, in {settings.BACKUP_DIR}")]
        self.fields["place"] = forms.ChoiceField(
            label="Archive", choices=places, widget=forms.Select(attrs={"class": BOX})
        )

    def question(self) -> str:
        return "It holds all that the tenant has. Keep it as you would keep its database."


class ImportForm(forms.Form):
    """An archive of an export, from here or from the server, and perhaps another slug."""

    archive = forms.ChoiceField(label="Archive", widget=forms.Select(attrs={"class": BOX}))
    file = forms.FileField(label="File to upload", required=False)
    slug = forms.CharField(
        label="Other slug",
        required=False,
        help_text="its domain is left out then",
        widget=forms.TextInput({"class": BOX}),
    )

    def __init__(self, kept: list[Path], *data: Any) -> None:
        super().__init__(*data)
        archive = self.fields["archive"]
        assert isinstance(archive, forms.ChoiceField)
        archive.choices = [(UPLOAD, "upload a file"), *((file.name, f"on the server: {file.name}") for file in kept)]
        self.fields["reason"] = reason_field()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("archive") == UPLOAD and not given.get("file"):
            self.add_error("file", "Choose the file to upload.")
        return given


def add_error(form: forms.Form, error: EngineError) -> None:
    """The refusal at the field that it is about, where there is one."""
    facts = error.facts
    named = facts.get("field") or next((name for name in ("host", "alias") if name in form.fields), facts.get("name"))
    form.add_error(named if named in form.fields else None, str(error))


def box_field(words: str) -> forms.Field:
    if words in SWITCHES:
        return forms.ChoiceField(choices=SWITCHES[words], widget=forms.Select(attrs={"class": BOX}))
    return forms.CharField(help_text=words, widget=forms.TextInput(attrs={"class": BOX}))


def _label(name: str) -> str:
    """The name of a setting as people write it: rag_enabled is RAG enabled."""
    words = [word.upper() if word in SHORT_FORMS else word for word in name.split("_")]
    return capfirst(" ".join(words))


def chosen_field(label: str, values: list[str]) -> forms.Field:
    choices = [(value, value) for value in values]
    return forms.ChoiceField(label=label, choices=choices, widget=forms.Select(attrs={"class": BOX}))


def reason_field() -> forms.Field:
    widget = forms.TextInput(attrs={"class": BOX})
    return forms.CharField(label="Reason", help_text="kept in the audit with your name", widget=widget)


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
