"""What a hostile reader once got past the gate, a halt or the kill switch, and gets no more."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.execution.services.kill_switch import kill_switch_carry_out
from apps.orders.domain.types import OrderType, PositionReport, Side
from apps.orders.models import Order
from apps.orders.services import order_quote_record
from apps.risk.models import RiskDecision
from apps.risk.services import limit_set, trading_state_set
from tests.execution.by_hand import HandDesk
from tests.execution.switch_desk import switch_desk
from tests.execution.test_kill_switch_flattening import hold
from tests.execution.test_managed_orders import desk_on
from tests.execution.test_order_changes import amend, limit_order
from tests.venues.loopback.gateway import LoopbackGateway

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[HandDesk]:
    with desk_on(tmp_path) as running:
        yield running


@pytest.mark.parametrize("state", ["ACTIVE", "REDUCING"])
def test_exits_that_together_would_turn_the_position_do_not_all_reduce_it(
    desk: HandDesk, state: str
) -> None:
    desk.enter(Side.BUY, 10)
    desk.settle()
    limit_set(
        kind="POSITION_NOTIONAL", value=D(1100), account=desk.account, actor=None, reason="small"
    )
    trading_state_set(account=desk.account, state=state, actor=None, reason="winding down")
    for quantity in (10, 9, 8):
        desk.ask(Side.SELL, quantity, order_type=OrderType.LIMIT, limit_price=D(105))
    desk.settle()
    desk.price(106)
    desk.settle()
    assert abs(desk.held()) * 105 <= 1100
    assert state == "ACTIVE" or desk.held() == 0


def test_an_exit_beside_a_stop_may_go_if_it_can_only_reduce(desk: HandDesk) -> None:
    desk.enter(Side.BUY, 10)
    desk.settle()
    desk.enter(Side.SELL, 10, order_type=OrderType.STOP, stop_price=D(90), reduce_only=True)
    desk.settle()
    trading_state_set(account=desk.account, state="REDUCING", actor=None, reason="winding down")
    assert desk.ask(Side.SELL, 10).order is None
    assert desk.ask(Side.SELL, 10, reduce_only=True).order is not None
    desk.settle()
    assert desk.held() == 0


def test_new_terms_of_an_entry_are_refused_while_trading_is_halted(desk: HandDesk) -> None:
    order = limit_order(desk)
    amend(order, quantity=D(50), limit_price=D(96))
    trading_state_set(account=desk.account, state="HALTED", actor=None, reason="stop")
    desk.work()
    assert list(desk.venue.journal().requests("AMEND")) == []
    order.refresh_from_db()
    assert (order.status, order.quantity, order.limit_price) == ("NEW", D(10), D(95))


def test_a_trigger_is_moved_to_the_market_only_past_the_gate(desk: HandDesk) -> None:
    entered = desk.enter(Side.BUY, order_type=OrderType.STOP, stop_price=D(120))
    assert entered.order is not None
    desk.settle()
    entered.order.refresh_from_db()
    trading_state_set(account=desk.account, state="HALTED", actor=None, reason="stop")
    before = RiskDecision.objects.count()
    assert amend(entered.order, stop_price=D("100.5")).is_denied
    assert RiskDecision.objects.count() == before + 1
    desk.price(101)
    desk.settle()
    assert desk.held() == 0


def test_a_closing_order_that_fills_while_the_broker_is_asked_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with switch_desk(tmp_path, takes_market=False) as desk:
        hold(desk, desk.places[0], 3)
        desk.price(desk.gold, 100)
        switch = desk.engage(account=desk.first, flattens=True)
        read = LoopbackGateway.position_list
        has_filled: list[Order] = []

        def old_news(gateway: LoopbackGateway) -> list[PositionReport]:
            rows = read(gateway)
            closing = Order.objects.filter(kill_switch=switch, status="NEW").first()
            if closing is not None and not has_filled:
                has_filled.append(closing)
                desk.venue.control(
                    "fill",
                    account=desk.first.name,
                    client_order_id=closing.client_order_id,
                    quantity="3",
                    price="99",
                )
                desk.intake(desk.first)
            return list(rows)

        monkeypatch.setattr(LoopbackGateway, "position_list", old_news)
        desk.venue.price(desk.gold.symbol, 50)  # the closing limit order rests
        kill_switch_carry_out(switch=switch, patience_seconds=6)
        assert has_filled
        assert Order.objects.filter(kill_switch=switch).count() == 1
        assert desk.net(desk.first) == {}


def test_a_worker_that_stood_still_after_its_claim_sends_nothing(
    tmp_path: Path, settings: Any
) -> None:
    with switch_desk(tmp_path) as desk:
        order = desk.intend(desk.places[0])
        settings.LEASE_SECONDS = 0.0001
        assert desk.send(order) is False
        order.refresh_from_db()
        assert order.status == "INTENT"
        assert desk.sent() == 0


def test_a_worker_that_stood_still_leaves_an_order_ended_that_a_kill_switch_has_ended(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with switch_desk(tmp_path) as desk:
        order = desk.intend(desk.places[0])

        def slow(**asked: Any) -> bool:
            Order.objects.filter(pk=order.pk).update(status="CANCELED")
            return order_quote_record(**asked)

        monkeypatch.setattr("apps.execution.services.sending.order_quote_record", slow)
        settings.LEASE_SECONDS = 0.0001
        assert desk.send(order) is True
        order.refresh_from_db()
        assert order.status == "CANCELED"
        assert desk.sent() == 0
