"""The one way in which pages write numbers, so that a figure looks the same everywhere."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.money import plain

register = template.Library()

_MINUS = "\N{MINUS SIGN}"


@register.filter
def desk_number(value: Decimal | float | None, form: str = "") -> SafeString:
    """Write a number with thousands separators and without trailing zeros.

    Args:
        value: None is written as a dash.
        form: Words separated by spaces: ``signed`` writes the sign of a gain as well and colours
            it; a whole number is the most decimal places to show.

    Raises:
        ValueError: ``form`` holds another word.
    """
    if value is None:
        return format_html('<span class="desk-number">{}</span>', "\N{EN DASH}")
    words = set(form.split())
    is_signed = "signed" in words
    number = _rounded(Decimal(str(value)), words - {"signed"})
    digits = f"{Decimal(plain(abs(number))):,f}"
    sign = _MINUS if number < 0 else "+" if is_signed and number > 0 else ""
    colour = ("desk-loss" if number < 0 else "desk-gain") if is_signed and number else ""
    return format_html(
        '<span class="{}">{}{}</span>', f"desk-number {colour}".strip(), sign, digits
    )


def _rounded(number: Decimal, words: set[str]) -> Decimal:
    if not words:
        return number
    if len(words) > 1 or not next(iter(words)).isdigit():
        raise ValueError(f"desk_number knows 'signed' and a number of places, not {words}")
    return number.quantize(Decimal(1).scaleb(-int(words.pop())), rounding=ROUND_HALF_EVEN)


@register.filter
def desk_value(value: Any) -> SafeString:
    """Write a value of a JSON field for people: items in lines, members named, nothing a dash."""
    if value is None or value in ("", [], {}):
        return format_html("{}", "\N{EN DASH}")
    if isinstance(value, bool):
        return format_html("{}", "yes" if value else "no")
    if isinstance(value, dict):
        members = ((name, desk_value(inner)) for name, inner in value.items())
        return format_html_join("; ", "{}: {}", members)
    if isinstance(value, list):
        return format_html_join("", "<div>{}</div>", ((desk_value(inner),) for inner in value))
    return format_html("{}", value)


@register.filter
def desk_time(moment: datetime | None) -> SafeString:
    """Write a moment in UTC to the second; None is written as a dash."""
    if moment is None:
        return format_html("{}", "\N{EN DASH}")
    utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="UTC">{}</time>', utc.isoformat(), f"{utc:%Y-%m-%d %H:%M:%S}"
    )


@register.filter
def desk_badge(state: str) -> SafeString:
    """Write a state of an order, deployment, run or switch as a badge in its colour."""
    colour = next((colour for colour, states in _BADGES.items() if state in states), "")
    return format_html(
        '<span class="{}">{}</span>',
        f"desk-badge {colour}".strip(),
        state.replace("_", " ").capitalize(),
    )


@register.filter
def desk_mode(mode: str) -> SafeString:
    """Write how real an account's money is, as a tag that looks like no state."""
    colour = {"LIVE": " desk-mode-live", "TEST": " desk-mode-test"}.get(mode, "")
    return format_html('<span class="desk-mode{}">{} money</span>', colour, mode.capitalize())


_BADGES = {
    "desk-badge-good": {"ACTIVE", "RUNNING", "MATCHED", "FILLED", "ALLOWED", "RESOLVED"},
    "desk-badge-warn": {
        *("REDUCING", "PARTIALLY_FILLED", "PENDING_NEW", "PENDING_CANCEL", "PENDING_REPLACE"),
        *("SENDING", "OPEN", "TEST", "PAUSED", "AWAITING_APPROVAL", "RELEASE_REQUESTED"),
    },
    "desk-badge-bad": {"HALTED", "FAILED", "BREAKS", "UNKNOWN", "REJECTED", "DENIED", "ENGAGED"},
    "desk-badge-live": {"LIVE"},
}
