"""A position is turned by two orders, and both of them count."""

from decimal import Decimal
from typing import Any

import pytest

from apps.risk.domain.checks import intent_deny
from apps.risk.domain.types import LimitValue, RateBucket
from tests.risk.test_decisions import a_context, an_intent

D = Decimal


@pytest.mark.parametrize(
    ("kind", "room_for_two", "situation"),
    [
        ("ORDERS_PER_SECOND", 5, {"orders_last_second": 3}),
        ("OPEN_ORDERS", 5, {"open_orders": 3}),
        ("ORDER_TO_TRADE", 102, {"orders_today": 100, "trades_today": 1}),
    ],
)
def test_both_orders_of_a_turn_count(
    kind: str, room_for_two: int, situation: dict[str, Any]
) -> None:
    turn = an_intent(orders=2)
    for value, check in ((room_for_two, None), (room_for_two - 1, kind.lower())):
        limit = LimitValue(kind=kind, value=D(value), version=1, scope="desk", limit_id=1)
        denial = intent_deny(turn, a_context(limits=(limit,), **situation))
        assert (denial and denial.check) == check
        assert intent_deny(an_intent(), a_context(limits=(limit,), **situation)) is None


@pytest.mark.parametrize(("tokens", "check"), [("2", None), ("1.9", "order_rate")])
def test_turn_takes_two_tokens(tokens: str, check: str | None) -> None:
    bucket = RateBucket(name="account", tokens=D(tokens), orders_per_second=D(1))
    denial = intent_deny(an_intent(orders=2), a_context(limits=(), rate_buckets=(bucket,)))
    assert (denial and denial.check) == check
