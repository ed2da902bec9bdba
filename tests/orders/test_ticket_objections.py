"""What is wrong with a ticket is said field by field, with what would be right."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.orders.domain.groups import GroupKind
from apps.orders.domain.objections import ticket_objections
from apps.orders.domain.tickets import OrderTicket, TradingRules
from apps.orders.domain.types import OrderType, Side, TimeInForce

D = Decimal
NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
RULES = TradingRules(
    symbol="NSE:ACME",
    is_tradable=True,
    tick_size=D("0.05"),
    lot_size=D(5),
    minimum_notional=D(1000),
    multiplier=D(1),
    maximum_quantity=D(1000),
    lower_price_band=D(90),
    upper_price_band=D(110),
    session_is_open=True,
    session_note="",
    as_of=NOW,
    reference_price=D(100),
)
OCO = {"limit_price": "105", "stop_price": "95"}
BRACKET = {"stop_price": "95", "target_price": "105"}
ICEBERG = {"limit_price": "100", "display_quantity": "10"}
TWAP = {"starts_at": "2026-01-05T10:00:00Z", "slices": 4, "interval_seconds": 60}


def said_of(rules: TradingRules = RULES, **terms: Any) -> list[tuple[str, str]]:
    ticket = OrderTicket(**{"side": Side.BUY, "quantity": D(20), **terms})
    return [(each.field, each.sentence) for each in ticket_objections(ticket, rules)]


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"order_type": OrderType.LIMIT, "limit_price": D("99.95"), "post_only": True},
        {"order_type": OrderType.STOP, "stop_price": D(105)},
        {"order_type": OrderType.STOP_LIMIT, "stop_price": D(105), "limit_price": D(106)},
        {"order_type": OrderType.TAKE_PROFIT, "stop_price": D(95)},
        {"order_type": OrderType.TRAILING_STOP, "trail_ratio": D("0.01")},
        {"order_type": OrderType.TRAILING_STOP, "trail_amount": D(1)},
        {"time_in_force": TimeInForce.GTD, "expires_at": NOW + timedelta(hours=1)},
        {"maximum_slippage_bps": D(10)},
        {"quantity": D(5), "reduce_only": True},
        {"group": GroupKind.OCO, "side": Side.SELL, "group_settings": OCO},
        {"group": GroupKind.BRACKET, "group_settings": BRACKET},
        {
            "group": GroupKind.BRACKET,
            "group_settings": BRACKET,
            "maximum_slippage_bps": D(5),
        },
        {"group": GroupKind.BRACKET, "group_settings": {"stop_ratio": "0.05"}},
        {"group": GroupKind.ICEBERG, "quantity": D(2000), "group_settings": ICEBERG},
        {"group": GroupKind.TWAP, "quantity": D(2000), "group_settings": TWAP},
        {"group": GroupKind.TWAP, "group_settings": TWAP, "time_in_force": TimeInForce.DAY},
    ],
)
def test_a_ticket_that_can_be_asked_has_none(terms: dict[str, Any]) -> None:
    assert said_of(**terms) == []


LIMIT = {"order_type": OrderType.LIMIT}


@pytest.mark.parametrize(
    ("terms", "field", "words"),
    [
        ({"quantity": D(0)}, "quantity", "must be positive, was 0"),
        ({"quantity": D("NaN")}, "quantity", "must be positive, was NaN"),
        ({"quantity": D(12)}, "quantity", "lot size 5; nearest are 10 and 15."),
        ({"quantity": D(2), "reduce_only": True}, "quantity", "the smallest is 5."),
        ({"quantity": D(1005)}, "quantity", "at most 1000 units (freeze quantity)"),
        ({"quantity": D(5)}, "quantity", "worth 500, less than the venue's minimum of 1000"),
        (LIMIT, "limit_price", "A limit order needs a limit price."),
        ({**LIMIT, "limit_price": D(-1)}, "limit_price", "must be positive, was -1"),
        ({**LIMIT, "limit_price": D("99.97")}, "limit_price", "nearest are 99.95 and 100."),
        ({**LIMIT, "limit_price": D(120)}, "limit_price", "price band of NSE:ACME, 90 to 110."),
        ({**LIMIT, "limit_price": D(80)}, "limit_price", "price band of NSE:ACME, 90 to 110."),
        ({"limit_price": D(100)}, "limit_price", "A market order takes no limit price"),
        ({"order_type": OrderType.STOP}, "stop_price", "A stop order needs a stop price."),
        (
            {"order_type": OrderType.TRAILING_STOP},
            "trail_amount",
            "needs its distance, as an amount or as a ratio",
        ),
        (
            {"order_type": OrderType.TRAILING_STOP, "trail_amount": D(0)},
            "trail_amount",
            "must be positive",
        ),
        (
            {"order_type": OrderType.TRAILING_STOP, "trail_ratio": D(1)},
            "trail_ratio",
            "0.01 is one per cent",
        ),
        ({"trail_amount": D(1)}, "trail_amount", "Only a trailing stop takes a distance"),
        ({"time_in_force": TimeInForce.GTD}, "expires_at", "needs its date and time"),
        ({"expires_at": NOW}, "expires_at", "Only a good-till-date order takes an end"),
        (
            {"time_in_force": TimeInForce.GTD, "expires_at": NOW},
            "expires_at",
            "2026-01-05 10:00 UTC has passed already",
        ),
        ({"post_only": True}, "post_only", "goes with a limit order that may rest"),
        (
            {**LIMIT, "limit_price": D(99), "post_only": True, "time_in_force": TimeInForce.IOC},
            "post_only",
            "not with IOC or FOK",
        ),
        (
            {**LIMIT, "limit_price": D(99), "maximum_slippage_bps": D(5)},
            "maximum_slippage_bps",
            "goes with a market order",
        ),
        ({"maximum_slippage_bps": D(-1)}, "maximum_slippage_bps", "0 to 9999 basis points, was -1"),
        ({"group_settings": {"slices": 2}}, "group_settings", "Only a managed order has settings"),
    ],
)
def test_a_ticket_that_cannot_be_asked_says_what_would_be_right(
    terms: dict[str, Any], field: str, words: str
) -> None:
    [(named, sentence)] = said_of(**terms)
    assert named == field
    assert words in sentence


@pytest.mark.parametrize(
    ("terms", "field", "words"),
    [
        ({"group": GroupKind.HELD}, "group", "one of OCO, BRACKET, ICEBERG, TWAP"),
        ({"group": GroupKind.OCO}, "limit_price", "missing"),
        (
            {"group": GroupKind.OCO, "group_settings": {**OCO, "profit": "1"}},
            "profit",
            "it has limit_price, stop_price, stop_limit_price, reduce_only.",
        ),
        ({"group": GroupKind.OCO, "group_settings": OCO}, "stop_price", "above the limit price"),
        (
            {
                "group": GroupKind.OCO,
                "side": Side.SELL,
                "group_settings": {"limit_price": "95", "stop_price": "105"},
            },
            "stop_price",
            "The stop 105 must lie below the limit price 95.",
        ),
        (
            {"group": GroupKind.BRACKET, "group_settings": {"target_ratio": "0.1"}},
            "",
            "A bracket needs a stop: give stop_price or stop_ratio.",
        ),
        (
            {"group": GroupKind.BRACKET, "group_settings": {**BRACKET, "stop_price": "101"}},
            "stop_price",
            "The stop 101 must lie below the entry 100.",
        ),
        (
            {
                "group": GroupKind.BRACKET,
                "side": Side.SELL,
                "group_settings": {"stop_price": "101", "target_price": "100.05"},
            },
            "target_price",
            "The target 100.05 must lie below the entry 100.",
        ),
        (
            {"group": GroupKind.BRACKET, "group_settings": {**BRACKET, "target_price": "103.33"}},
            "target_price",
            "nearest are 103.3 and 103.35.",
        ),
        (
            {"group": GroupKind.BRACKET, "group_settings": {**BRACKET, "stop_price": "1e400"}},
            "stop_price",
            "no more than 28 digits",
        ),
        (
            {"group": GroupKind.ICEBERG, "group_settings": {**ICEBERG, "limit_price": "99.97"}},
            "limit_price",
            "nearest are 99.95 and 100.",
        ),
        (
            {"group": GroupKind.ICEBERG, "group_settings": {**ICEBERG, "display_quantity": "3"}},
            "display_quantity",
            "not a multiple of the lot size 5",
        ),
        (
            {"group": GroupKind.ICEBERG, "group_settings": {**ICEBERG, "display_quantity": "25"}},
            "display_quantity",
            "more than the whole order of 20",
        ),
        (
            {
                "group": GroupKind.ICEBERG,
                "quantity": D(5000),
                "group_settings": {**ICEBERG, "display_quantity": "2000"},
            },
            "display_quantity",
            "a slice would have 2000",
        ),
        (
            {"group": GroupKind.TWAP, "group_settings": {**TWAP, "slices": 5}},
            "slices",
            "20 are 4 lots; they cannot be cut into 5 slices.",
        ),
        (
            {
                "group": GroupKind.TWAP,
                "group_settings": {**TWAP, "starts_at": "2026-01-05T09:00:00Z"},
            },
            "starts_at",
            "The last slice would have ended 2026-01-05 09:04 UTC.",
        ),
        (
            {"group": GroupKind.TWAP, "quantity": D(5000), "group_settings": TWAP},
            "slices",
            "a slice would have 1250",
        ),
    ],
)
def test_the_settings_of_a_managed_order_are_judged_one_by_one(
    terms: dict[str, Any], field: str, words: str
) -> None:
    said = dict(said_of(**terms))
    wanted = "group" if field == "group" else f"group_settings.{field}".rstrip(".")
    assert words in said[wanted]
    assert set(said) <= {wanted, "group_settings.stop_price"}


def test_a_bracket_that_enters_at_a_limit_takes_no_maximum_slippage() -> None:
    settings = {**BRACKET, "entry_limit_price": "99"}
    said = said_of(group=GroupKind.BRACKET, group_settings=settings, maximum_slippage_bps=D(5))
    assert [field for field, _ in said] == ["maximum_slippage_bps"]


def test_how_the_entry_is_bounded_is_for_the_desk_to_set() -> None:
    settings = {**BRACKET, "entry_maximum_slippage_bps": "5"}
    said = dict(said_of(group=GroupKind.BRACKET, group_settings=settings))
    name = "group_settings.entry_maximum_slippage_bps"
    assert "give the order itself a maximum_slippage_bps" in said[name]


@pytest.mark.parametrize(
    ("terms", "field", "words"),
    [
        ({"time_in_force": TimeInForce.IOC}, "time_in_force", "works GTC, DAY or GTD"),
        ({"reduce_only": True}, "reduce_only", "set it in its settings"),
        ({"post_only": True}, "post_only", "goes with a limit order"),
        ({"limit_price": D(100)}, "limit_price", "its prices are in its settings"),
        ({"trail_amount": D(1)}, "trail_amount", "Only a trailing stop"),
        ({"maximum_slippage_bps": D(5)}, "maximum_slippage_bps", "goes with a market order"),
    ],
)
def test_a_managed_order_takes_no_term_of_a_plain_one(
    terms: dict[str, Any], field: str, words: str
) -> None:
    said = dict(said_of(group=GroupKind.OCO, side=Side.SELL, group_settings=OCO, **terms))
    assert list(said) == [field]
    assert words in said[field]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_tradable": False}, "NSE:ACME can be watched, but not traded."),
        (
            {"session_is_open": False, "session_note": "weekend"},
            "The market of NSE:ACME is closed (weekend).",
        ),
    ],
)
def test_an_instrument_that_does_not_trade_is_said(changes: dict[str, Any], words: str) -> None:
    assert said_of(replace(RULES, **changes)) == [("instrument", words)]


def test_everything_is_said_at_once() -> None:
    said = said_of(order_type=OrderType.LIMIT, quantity=D(12), limit_price=D("99.97"))
    assert [field for field, _ in said] == ["quantity", "limit_price"]
