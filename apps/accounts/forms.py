"""What a person types to sign in, to prove their second factor and to change their password."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm


class SignInForm(AuthenticationForm):
    """E-mail and password. One answer for every failure, so that nobody learns who has a login."""

    error_messages = {
        "invalid_login": "E-mail or password is wrong. Check both; after five failures sign-in "
        "from here pauses.",
        "inactive": "E-mail or password is wrong. Check both; after five failures sign-in from "
        "here pauses.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Name the first field as people know it."""
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail"
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "class": "form-control"}
        )
        self.fields["password"].widget.attrs["class"] = "form-control"

    def clean_username(self) -> str:
        """Spell the address in one way, so that failures count together whatever the case."""
        typed: str = self.cleaned_data["username"]
        return typed.strip().lower()


class PasswordForm(PasswordChangeForm):
    """The old password and a new one, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Dress the fields as on every page."""
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"


class CodeForm(forms.Form):
    """A code of the authenticator, or a recovery code."""

    code = forms.CharField(
        max_length=32,
        label="Code",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autofocus": True,
                "spellcheck": "false",
                "autocapitalize": "none",
                "class": "form-control form-control-lg text-center desk-code",
            }
        ),
    )
