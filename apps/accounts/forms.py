"""What a person types to sign in, to prove their second factor and to change their password."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.views.decorators.debug import sensitive_variables
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
)

from apps.accounts.domain.credentials import (
    CREDENTIAL_NAMES,
    LONGEST,
    credential_values_check,
)
from apps.accounts.models import BrokerCredential


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


class CredentialForm(forms.ModelForm[BrokerCredential]):
    """What opens an account at its broker: to enter, never to read back."""

    expires_at = forms.SplitDateTimeField(
        required=False,
        label="Ends at",
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="As the broker's page says, UTC; Bybit's keys without bound addresses: 90 days",
    )
    reason = forms.CharField(
        max_length=400,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Goes into the audit trail; no secrets",
    )

    class Meta:
        model = BrokerCredential
        fields = ("account", "purpose", "expires_at", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add a field for each value that some broker needs."""
        super().__init__(*args, **kwargs)
        for name in SECRET_NAMES:
            self.fields[name] = _secret_field(name)

    @sensitive_variables("cleaned", "values")
    def clean(self) -> dict[str, Any]:
        """Refuse values that do not fit the account's broker."""
        cleaned = super().clean() or self.cleaned_data
        account = cleaned.get("account")
        if account is not None:
            values = self.values()
            if trouble := credential_values_check(account.broker, values):
                raise forms.ValidationError(trouble)
        return cleaned

    def values(self) -> dict[str, str]:
        """Return what was typed into the fields of the broker's values."""
        typed = {name: self.cleaned_data.get(name) or "" for name in SECRET_NAMES}
        return {name: value for name, value in typed.items() if value}

    def validate_constraints(self) -> None:
        """Leave it to the service."""


SECRET_NAMES = tuple(
    dict.fromkeys(name for names in CREDENTIAL_NAMES.values() for name in names.known)
)


def _secret_field(name: str) -> forms.CharField:
    brokers = [broker for broker, names in CREDENTIAL_NAMES.items() if name in names.known]
    return forms.CharField(
        required=False,
        max_length=LONGEST,
        label=name.replace("_", " ").capitalize(),
        help_text=f"For {' and '.join(brokers)}",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),  # it is never sent back
    )
