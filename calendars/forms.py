"""The form of a calendar connection: a password goes in and never comes out."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audit.sealed import KeyDestroyed
from bookings.admin.forms import ConfinedForm
from calendars.models import CalendarConnection


class ConnectionForm(ConfinedForm[CalendarConnection]):
    """An empty password keeps the one that is stored."""

    password = forms.CharField(
        label=_("app password"),
        max_length=400,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = CalendarConnection
        fields = ("clinic", "practitioner", "url", "username", "password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.pop("password", None)
        self.stored = _credentials(self.instance)
        known = bool(self.stored[1])
        self.fields["password"].help_text = (
            _("Stored. Leave it empty to keep it.")
            if known
            else _("One made for this use alone, so that it can be taken back.")
        )

    def clean_password(self) -> str:
        """What was typed, or what is stored."""
        typed: str = self.cleaned_data["password"]
        return typed or self.stored[1]

    @property
    def new_credentials(self) -> bool:
        """Whether user name or password differ from what is stored."""
        return (self.cleaned_data["username"], self.cleaned_data["password"]) != self.stored


def _credentials(connection: CalendarConnection) -> tuple[str, str]:
    try:
        return connection.username, connection.password
    except KeyDestroyed:
        return "", ""
