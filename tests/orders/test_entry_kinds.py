"""What a person fills in becomes the ticket that the desk asks for, kind by kind."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.orders.domain.entry_kinds import (
    ENTRY_KINDS,
    entry_kind,
    entry_objections,
    field_of,
    ticket_of,
)
from apps.orders.domain.groups import GroupKind, group_faults
from apps.orders.domain.tickets import Objection
from apps.orders.domain.types import OrderType, TimeInForce

D = Decimal
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 11, tzinfo=UTC)
LABELS = {name: name.replace("_", " ").capitalize() for kind in ENTRY_KINDS for name in kind.fields}
EVERYTHING: dict[str, Any] = {
    "limit_price": D(95),
    "entry_limit_price": D(99),
    "stop_price": D(90),
    "stop_limit_price": D(89),
    "target_price": D(110),
    "trail_amount": D(2),
    "trail_percent": D("1.5"),
    "display_quantity": D(5),
    "slices": 4,
    "interval_seconds": 60,
    "starts_at": LATER,
    "worst_price": D(101),
    "maximum_slippage_bps": D(20),
    "post_only": True,
    "reduce_only": True,
}


def values(**given: Any) -> dict[str, Any]:
    return {"side": "BUY", "quantity": D(10), "time_in_force": "GTC", **given}


def complaints(name: str, **given: Any) -> dict[str, str]:
    found = entry_objections(entry_kind(name), given, LABELS)
    return {objection.field: objection.sentence for objection in found}


@pytest.mark.parametrize(
    ("name", "order_type", "terms"),
    [
        ("MARKET", "MARKET", {"maximum_slippage_bps": D(20), "reduce_only": True}),
        ("LIMIT", "LIMIT", {"limit_price": D(95), "post_only": True, "reduce_only": True}),
        ("STOP", "STOP", {"stop_price": D(90), "reduce_only": True}),
        (
            "STOP_LIMIT",
            "STOP_LIMIT",
            {"stop_price": D(90), "limit_price": D(95), "reduce_only": True},
        ),
        ("TAKE_PROFIT", "TAKE_PROFIT", {"stop_price": D(90), "reduce_only": True}),
        ("TRAILING_AMOUNT", "TRAILING_STOP", {"trail_amount": D(2), "reduce_only": True}),
        ("TRAILING_PERCENT", "TRAILING_STOP", {"trail_ratio": D("0.015"), "reduce_only": True}),
    ],
)
def test_an_order_takes_the_fields_of_its_kind_and_no_others(
    name: str, order_type: str, terms: dict[str, Any]
) -> None:
    ticket = ticket_of(entry_kind(name), values(**EVERYTHING), as_of=NOW)
    assert ticket.order_type is OrderType(order_type)
    assert (ticket.group, ticket.group_settings) == (None, None)
    for field in (
        *("limit_price", "stop_price", "trail_amount", "trail_ratio", "maximum_slippage_bps"),
        *("post_only", "reduce_only"),
    ):
        is_flag = field in ("post_only", "reduce_only")
        assert getattr(ticket, field) == terms.get(field, False if is_flag else None)


def test_a_bracket_takes_a_maximum_slippage_for_its_entry_at_market() -> None:
    given = values(stop_price=D(90), maximum_slippage_bps=D(20))
    ticket = ticket_of(entry_kind("BRACKET"), given, as_of=NOW)
    assert ticket.maximum_slippage_bps == D(20)
    assert ticket.group_settings == {"stop_price": "90", "entry_time_in_force": "GTC"}
    twice = complaints("BRACKET", **given, entry_limit_price=D(99))
    assert list(twice) == ["maximum_slippage_bps"]


@pytest.mark.parametrize(
    ("name", "left_out", "settings"),
    [
        (
            "OCO",
            (),
            {
                "limit_price": "95",
                "stop_price": "90",
                "stop_limit_price": "89",
                "reduce_only": True,
            },
        ),
        (
            "BRACKET",
            ("maximum_slippage_bps",),
            {
                "entry_limit_price": "99",
                "stop_price": "90",
                "target_price": "110",
                "entry_time_in_force": "GTC",
            },
        ),
        ("ICEBERG", (), {"limit_price": "95", "display_quantity": "5"}),
        (
            "TWAP",
            (),
            {
                "starts_at": LATER.isoformat(),
                "slices": 4,
                "interval_seconds": 60,
                "limit_price": "101",
            },
        ),
        (
            "TWAP",
            ("starts_at", "worst_price"),
            {"starts_at": NOW.isoformat(), "slices": 4, "interval_seconds": 60},
        ),
    ],
)
def test_a_managed_order_takes_its_settings_as_plain_json(
    name: str, left_out: tuple[str, ...], settings: dict[str, Any]
) -> None:
    given = {field: value for field, value in EVERYTHING.items() if field not in left_out}
    ticket = ticket_of(entry_kind(name), values(**given), as_of=NOW)
    assert ticket.group is GroupKind(name)
    assert ticket.group_settings == settings
    assert group_faults(ticket.group, dict(ticket.group_settings)) == []
    assert (ticket.limit_price, ticket.stop_price, ticket.reduce_only) == (None, None, False)


def test_percentages_become_ratios() -> None:
    given = values(stop_percent=D(5), target_percent=D("12.5"))
    settings = ticket_of(entry_kind("BRACKET"), given, as_of=NOW).group_settings
    assert settings == {
        "stop_ratio": "0.05",
        "target_ratio": "0.125",
        "entry_time_in_force": "GTC",
    }


@pytest.mark.parametrize(("time", "ends"), [("GTD", LATER), ("GTC", None), ("DAY", None)])
def test_only_a_dated_order_keeps_its_date(time: str, ends: datetime | None) -> None:
    given = values(time_in_force=time, expires_at=LATER, limit_price=D(95))
    ticket = ticket_of(entry_kind("LIMIT"), given, as_of=NOW)
    assert (ticket.time_in_force, ticket.expires_at) == (TimeInForce(time), ends)


@pytest.mark.parametrize("kind", ENTRY_KINDS, ids=lambda kind: kind.name)
def test_each_field_that_is_needed_is_missed_by_its_name(kind: Any) -> None:
    found = complaints(kind.name)
    for field in kind.needed:
        assert found[field].endswith(f"needs its {LABELS[field].lower()}.")
    assert set(found) - set(kind.needed) <= {"stop_price"}


def test_what_is_missed_is_said_as_a_trader_says_it() -> None:
    assert complaints("STOP_LIMIT")["limit_price"] == "A stop-limit order needs its limit price."
    assert complaints("ICEBERG")["limit_price"] == "An iceberg needs its limit price."
    assert complaints("OCO")["stop_price"] == "An OCO needs its stop price."
    assert complaints("BRACKET") == {
        "stop_price": "A bracket needs a stop, as a price or in per cent."
    }


@pytest.mark.parametrize("level", ["stop", "target"])
def test_a_level_is_a_price_or_a_percentage(level: str) -> None:
    both = {f"{level}_price": D(90), f"{level}_percent": D(5), "stop_price": D(90)}
    assert complaints("BRACKET", **both) == {
        f"{level}_percent": f"Give this or {level} price, not both."
    }


@pytest.mark.parametrize(
    ("name", "objected", "field"),
    [
        ("LIMIT", "limit_price", "limit_price"),
        ("LIMIT", "instrument", "instrument"),
        ("LIMIT", "stop_price", None),
        ("TRAILING_AMOUNT", "trail_amount", "trail_amount"),
        ("TRAILING_PERCENT", "trail_amount", "trail_percent"),
        ("TRAILING_PERCENT", "trail_ratio", "trail_percent"),
        ("BRACKET", "group_settings.stop_ratio", "stop_percent"),
        ("BRACKET", "group_settings.target_price", "target_price"),
        ("BRACKET", "group_settings", None),
        ("TWAP", "group_settings.limit_price", "worst_price"),
        ("TWAP", "group_settings.slices", "slices"),
        ("OCO", "reduce_only", "reduce_only"),
        ("ICEBERG", "reduce_only", None),
    ],
)
def test_an_objection_finds_the_field_that_a_person_sees(
    name: str, objected: str, field: str | None
) -> None:
    assert field_of(entry_kind(name), Objection(objected, "It is wrong.")) == field
