"""What is filled in on a tenant's page."""

from typing import Any

from django import forms

from tenants.lifecycle import service as lifecycle

SWITCHES = {"true or false": [("", "not set"), ("true", "on"), ("false", "off")]}
TICK = forms.CheckboxInput(attrs={"class": "self-start"})
BOX = "bg-white border border-base-300 px-3 py-2 rounded-default w-full dark:bg-base-900 dark:border-base-700"


class SettingsForm(forms.Form):
    """One field for each setting, and why it is changed. What was shown is sent along: only what differs from it is
    changed, and what somebody else has set meanwhile stays."""

    def __init__(self, slug: str, data: Any = None) -> None:
        super().__init__(data, auto_id="settings-%s")
        kinds = lifecycle.kinds_of_settings()
        for name, value in lifecycle.settings_of(slug).items():
            field = _field(kinds[name])
            field.label = name.rpartition(".")[2].replace("_", " ").capitalize()
            field.required, field.show_hidden_initial, field.initial = False, True, _text(value)
            self.fields[name] = field
        self.fields["reason"] = _reason()

    def changes(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in self.changed_data if name != "reason"}


class StateForm(forms.Form):
    """Why a tenant is suspended or let in, and that it is meant."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="state-%s")
        self.fields["reason"] = _reason()
        self.fields["sure"] = forms.BooleanField(label="Yes, I mean this tenant", widget=TICK)


class AliasForm(forms.Form):
    """A further id of the tenant's, and why it is added or removed."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="alias-%s")
        self.fields["alias"] = _field("a UUID by which applications know it")
        self.fields["alias"].label = "Further id"
        self.fields["reason"] = _reason()


def _field(words: str) -> forms.Field:
    if words in SWITCHES:
        return forms.ChoiceField(choices=SWITCHES[words], widget=forms.Select(attrs={"class": BOX}))
    return forms.CharField(help_text=words, widget=forms.TextInput(attrs={"class": BOX}))


def _reason() -> forms.Field:
    widget = forms.TextInput(attrs={"class": BOX})
    return forms.CharField(label="Why", help_text="it is written down with your name", widget=widget)


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
