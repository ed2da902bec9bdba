"""Margin, charges, candles and trigger rules, asked over the real library."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from apps.brokers.angelone.estimates import Leg, charges_estimate, margin_estimate
from apps.brokers.angelone.history import candles_fetch, spans
from apps.brokers.angelone.listings import listed
from apps.brokers.angelone.triggers import (
    TriggerTerms,
    trigger_cancel,
    trigger_create,
    trigger_list,
    trigger_modify,
)
from apps.core.clock import standing_at
from apps.orders.domain.ports import BrokerError, OutcomeUnknown, Rejected, Unavailable
from apps.orders.domain.types import Side
from tests.brokers.angelone.venue_desk import VenueDesk, venue_desk
from tests.contracts.angelone import MIDDAY, SYMBOL
from tests.contracts.broker import D

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[VenueDesk]:
    with venue_desk(tmp_path, now=MIDDAY.isoformat()) as opened, standing_at(MIDDAY):
        yield opened


def a_leg(quantity: int = 10) -> Leg:
    return Leg(
        there=listed(SYMBOL), side=Side.BUY, quantity=D(quantity), price=D(100), product="INTRADAY"
    )


def terms(trigger: int = 95) -> TriggerTerms:
    return TriggerTerms(
        there=listed(SYMBOL),
        side=Side.BUY,
        quantity=D(1),
        limit_price=D(96),
        trigger_price=D(trigger),
    )


def test_margin_and_charges_are_estimated_by_the_broker(desk: VenueDesk) -> None:
    assert margin_estimate(client=desk.client, legs=[a_leg()]) > 0
    charges = charges_estimate(client=desk.client, legs=[a_leg()])
    assert charges.trade_value == D(1000)
    assert 0 < charges.total < D(100)
    assert sum(amount for _, amount in charges.lines) == pytest.approx(charges.total, abs=D("0.1"))
    with pytest.raises(Rejected):
        margin_estimate(client=desk.client, legs=[])


def test_estimate_that_cannot_be_read_is_no_estimate(desk: VenueDesk) -> None:
    for kind in ("HTML", "EMPTY", "STATUS_502"):
        desk.venue.fault(kind, endpoint="batch")
        with pytest.raises((Unavailable, OutcomeUnknown)):
            margin_estimate(client=desk.client, legs=[a_leg()])


def test_trigger_rule_is_made_changed_listed_and_ended(desk: VenueDesk) -> None:
    rule = trigger_create(client=desk.client, terms=terms())
    [listed_rule] = trigger_list(client=desk.client)
    assert (listed_rule.rule_id, listed_rule.trigger_price) == (rule, D(95))
    trigger_modify(client=desk.client, rule_id=rule, terms=terms(94))
    [changed] = trigger_list(client=desk.client)
    assert changed.trigger_price == D(94)
    trigger_cancel(client=desk.client, rule_id=rule, there=listed(SYMBOL))
    assert trigger_list(client=desk.client) == []
    with pytest.raises(BrokerError):
        trigger_cancel(client=desk.client, rule_id="4711", there=listed(SYMBOL))


def test_trigger_rule_whose_answer_was_lost_is_an_open_question(desk: VenueDesk) -> None:
    desk.venue.fault("EMPTY", endpoint="createRule", accepted=True)
    with pytest.raises(OutcomeUnknown):
        trigger_create(client=desk.client, terms=terms())
    assert len(trigger_list(client=desk.client)) == 1


def test_candles_are_finished_bars_of_the_grid(desk: VenueDesk) -> None:
    bars = candles_fetch(
        client=desk.client,
        there=listed(SYMBOL),
        timeframe="5m",
        first_at=MIDDAY - timedelta(days=1),
        last_at=MIDDAY,
    )
    assert bars == sorted(bars, key=lambda bar: bar.open_at)
    assert all(bar.close_at <= MIDDAY for bar in bars)
    with pytest.raises(Rejected, match="no candles of 4h"):
        candles_fetch(
            client=desk.client,
            there=listed(SYMBOL),
            timeframe="4h",
            first_at=MIDDAY,
            last_at=MIDDAY,
        )


def test_long_stretch_is_asked_in_parts_that_one_request_takes() -> None:
    parts = list(spans(MIDDAY - timedelta(days=70), MIDDAY, days=30))
    assert parts[0][0] == MIDDAY - timedelta(days=70)
    assert parts[-1][1] == MIDDAY
    assert all(end - begin < timedelta(days=30) for begin, end in parts)
    assert all(later[0] - earlier[1] == timedelta(minutes=1) for earlier, later in pairwise(parts))
