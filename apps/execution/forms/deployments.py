"""What a person fills in to deploy a strategy, and to look through what is deployed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any
from uuid import uuid4

from django import forms

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_for, account_list_tradable
from apps.core.money import plain
from apps.execution.forms.amounts import CHECK, SELECT, TEXT, PriceField, TypedAmountField
from apps.execution.forms.strategy_choices import strategy_choices
from apps.marketdata.models import TIMEFRAMES, Instrument
from apps.strategies.domain.strategy import Strategy
from apps.strategies.models import (
    DEPLOYMENT_STATES,
    POSITION_POLICIES,
    Deployment,
    PositionPolicy,
    SizingMethod,
)
from apps.strategies.services.checks import (
    DeploymentRefused,
    Sizing,
    instruments_check,
    protection_check,
    sizing_check,
    timeframe_check,
)

_HARMLESS = Decimal(1)
"""A size, cap and distance that every check lets pass."""

_SMALL_SELECT = {"class": "form-select form-select-sm"}


class _SymbolsField(forms.CharField):
    """Instruments of the desk by symbol, separated by commas or spaces."""

    def clean(self, value: Any) -> Any:
        """Return the instruments in the order given, each once."""
        text: str = super().clean(value)
        symbols = dict.fromkeys(filter(None, re.split(r"[,;\s]+", text)))
        if not symbols:
            raise forms.ValidationError(self.error_messages["required"])
        found = Instrument.objects.in_bulk(list(symbols), field_name="symbol")
        missing = [symbol for symbol in symbols if symbol not in found]
        if missing:
            raise forms.ValidationError([_unknown(symbol) for symbol in missing])
        return [found[symbol] for symbol in symbols]


def _unknown(symbol: str) -> str:
    known = list(Instrument.objects.values_list("symbol", flat=True))
    near = get_close_matches(symbol.upper(), known, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; it looks like BYBIT:BTCUSDT.P."
    return f"There is no instrument {symbol}{hint}"


def _policy(when: str, help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=f"Open position {when}",
        choices=POSITION_POLICIES,
        initial=PositionPolicy.KEEP.value,
        help_text=help_text,
        widget=forms.Select(attrs=SELECT),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """Whether some fields fit together, said at one of them once all of them can be read."""

    field: str
    reads: tuple[str, ...]
    take: Callable[[dict[str, Any]], None]


def _timeframe_fits(terms: dict[str, Any]) -> None:
    if terms["strategy"] is not None:
        timeframe_check(terms["timeframe"], terms["strategy"])


def _value_fits(terms: dict[str, Any]) -> None:
    sizing = Sizing(method=terms["sizing_method"], value=terms["sizing_value"], cap_ratio=_HARMLESS)
    sizing_check(sizing, terms.get("instruments", ()))


def _cap_fits(terms: dict[str, Any]) -> None:
    cap_ratio = terms["sizing_cap_ratio"]
    sizing = Sizing(method=terms["sizing_method"], value=_HARMLESS, cap_ratio=cap_ratio)
    sizing_check(sizing, ())


def _slippage_fits(terms: dict[str, Any]) -> None:
    slippage = terms["maximum_slippage_bps"]
    protection_check(maximum_slippage_bps=slippage, collar_bps=_HARMLESS)


def _collar_fits(terms: dict[str, Any]) -> None:
    protection_check(maximum_slippage_bps=None, collar_bps=terms["collar_bps"])


_CHECKS = (
    _Check(field="timeframe", reads=("timeframe",), take=_timeframe_fits),
    _Check(
        field="instruments",
        reads=("instruments", "account"),
        take=lambda terms: instruments_check(terms["instruments"], terms["account"]),
    ),
    _Check(field="sizing_value", reads=("sizing_method", "sizing_value"), take=_value_fits),
    _Check(field="sizing_cap_ratio", reads=("sizing_method", "sizing_cap_ratio"), take=_cap_fits),
    _Check(field="maximum_slippage_bps", reads=("maximum_slippage_bps",), take=_slippage_fits),
    _Check(field="collar_bps", reads=("collar_bps",), take=_collar_fits),
)


class DeploymentForm(forms.Form):
    """A deployment. ``key`` makes the form create one, however often it is sent."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    name = forms.SlugField(
        max_length=80,
        help_text="Letters, digits, hyphens and underscores.",
        widget=forms.TextInput(attrs={**TEXT, "placeholder": "btc-trend"}),
        error_messages={
            "required": "Give it a name.",
            "invalid": "A name has letters, digits, hyphens and underscores alone.",
        },
    )
    account: forms.ModelChoiceField[TradingAccount] = forms.ModelChoiceField(
        queryset=TradingAccount.objects.none(),
        to_field_name="name",
        empty_label=None,
        widget=forms.Select(attrs=SELECT),
        help_text="Its mode says how real the money is.",
        error_messages={
            "required": "Choose an account.",
            "invalid_choice": "There is no such account that you may trade.",
        },
    )
    strategy = forms.ChoiceField(widget=forms.Select(attrs=SELECT))
    instruments = _SymbolsField(
        max_length=4000,
        help_text="Symbols; separate several by commas.",
        widget=forms.TextInput(
            attrs={
                **TEXT,
                "list": "instruments",
                "autocapitalize": "characters",
                "placeholder": "BYBIT:BTCUSDT.P",
            }
        ),
        error_messages={"required": "Name what to trade; a symbol looks like BYBIT:BTCUSDT.P."},
    )
    timeframe = forms.ChoiceField(
        choices=TIMEFRAMES, initial="5m", widget=forms.Select(attrs=SELECT)
    )
    sizing_method = forms.ChoiceField(
        choices=SizingMethod.choices,
        initial=SizingMethod.FRACTION_OF_EQUITY.value,
        widget=forms.Select(attrs=SELECT),
    )
    sizing_value = TypedAmountField(help_text="Units, quote currency or a fraction, by method.")
    sizing_cap_ratio = PriceField(
        label="Cap of one entry",
        help_text="Most of the equity that it may stake; 0.2 is a fifth. A Kelly stake needs it.",
    )
    maximum_slippage_bps = TypedAmountField(
        label="Maximum slippage, bps",
        required=False,
        may_be_zero=True,
        help_text="Most that an entry at market may pay over the close. Empty: no bound.",
    )
    collar_bps = TypedAmountField(
        label="Collar, bps",
        initial=50,
        may_be_zero=True,
        help_text="How far from the market such a limit may lie.",
    )
    turns_market_into_limit = forms.BooleanField(
        label="Turn market orders into limits",
        required=False,
        help_text="Where programs may send no market order: inside the collar. Else such an entry "
        "is denied.",
        widget=forms.CheckboxInput(attrs=CHECK),
    )
    on_pause = _policy("on pause")
    on_stop = _policy("on stop", "Also when it fails.")
    on_halt = _policy("on halt", "Once orders may be sent again.")
    on_delisting = _policy("on delisting")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        """Offer the strategies there are, and the accounts that the person may trade."""
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = account_list_tradable(user)  # type: ignore[attr-defined]
        self.fields["strategy"].choices = strategy_choices()  # type: ignore[attr-defined]

    @property
    def strategy_key(self) -> str:
        """The strategy that is chosen; what is not offered counts as the first of the list."""
        groups = self.fields["strategy"].choices  # type: ignore[attr-defined]
        offered: list[str] = [key for _, choices in groups for key, _ in choices]
        chosen = str(self["strategy"].value())
        return chosen if chosen in offered else offered[0]

    @property
    def protection(self) -> list[forms.BoundField]:
        """What bounds the price of an entry."""
        return [self[name] for name in ("maximum_slippage_bps", "collar_bps")]

    @property
    def policies(self) -> list[forms.BoundField]:
        """What becomes of an open position when it trades no more."""
        return [self[name] for name in ("on_pause", "on_stop", "on_halt", "on_delisting")]

    @property
    def in_words(self) -> list[tuple[str, Any]]:
        """Label and value of all, to be looked over; what is left empty is None."""
        return [(str(bound.label), self._words(bound)) for bound in self if bound.name != "key"]

    @property
    def terms(self) -> dict[str, Any]:
        """The checked values by the names of ``deployment_create``."""
        unlike = ("key", "strategy")
        return {name: value for name, value in self.cleaned_data.items() if name not in unlike}

    def clean_name(self) -> str:
        """Refuse a name that is taken."""
        name: str = self.cleaned_data["name"]
        if Deployment.objects.filter(name=name).exists():
            raise forms.ValidationError(f"There is a deployment {name} already; choose another.")
        return name

    def fit_check(self, strategy: Strategy[Any] | None) -> None:
        """Put whatever does not fit together to the field that it is about.

        Args:
            strategy: None, while its parameters are wrong: what can be checked without it, is.
        """
        for check in _CHECKS:
            if not all(name in self.cleaned_data for name in check.reads):
                continue
            try:
                check.take({**self.cleaned_data, "strategy": strategy})
            except DeploymentRefused as refused:
                said = str(refused)
                self.add_error(check.field, f"{said[0].upper()}{said[1:]}.")

    def _words(self, bound: forms.BoundField) -> Any:
        value = self.cleaned_data[bound.name]
        if isinstance(value, Decimal):
            return plain(value)
        if isinstance(value, list):
            return ", ".join(instrument.symbol for instrument in value)
        if bound.name == "account":
            return f"{value.name} ({value.get_mode_display()} money)"
        choices = getattr(bound.field, "choices", ())
        return dict(choices).get(value, value) if isinstance(value, str) else value


class DeploymentFilterForm(forms.Form):
    """Filters of the list of deployments; every field may be empty."""

    account: forms.ModelChoiceField[TradingAccount] = forms.ModelChoiceField(
        queryset=TradingAccount.objects.none(),
        to_field_name="name",
        required=False,
        empty_label="All accounts",
        widget=forms.Select(attrs=_SMALL_SELECT),
    )
    state = forms.ChoiceField(
        choices=[("", "Any state"), *DEPLOYMENT_STATES],
        required=False,
        widget=forms.Select(attrs=_SMALL_SELECT),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        """Offer the accounts that the person may read."""
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = account_list_for(user)  # type: ignore[attr-defined]
