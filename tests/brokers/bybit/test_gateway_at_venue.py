"""The adapter at a venue that works orders off after its answer, lists page by page, and lags."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.brokers.bybit.endpoints import Ask
from apps.brokers.bybit.holdings import funding_read, transactions_read
from apps.brokers.bybit.instruments import leverage_read
from apps.brokers.bybit.margin import MarginMode, hedge_mode_set, leverage_set, margin_mode_set
from apps.brokers.bybit.symbols import VenueSymbol
from apps.orders.domain.ports import AuthenticationFailed, OutcomeUnknown, Rejected, Unavailable
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import FillReport, OrderAmendment, OrderReport, OrderType, Side
from tests.contracts.broker import a_resting_order, an_order
from tests.contracts.bybit import BybitUnderTest, bybit_under_test
from tests.factories.marketdata import InstrumentFactory
from tests.proofs.bybit.faulted import all_fills

pytestmark = pytest.mark.django_db
D = Decimal
S = OrderStatus
SPOT = "BYBIT:BTCUSDT"


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    def at_venue(**changes: Any) -> AbstractContextManager[BybitUnderTest]:
        return bybit_under_test(tmp_path, **changes)

    return at_venue


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BybitUnderTest]:
    with bybit_under_test(tmp_path) as at_venue:
        yield at_venue


def spot_known() -> None:
    InstrumentFactory(
        symbol=SPOT,
        venue="BYBIT",
        kind="SPOT",
        quote_currency="USDT",
        tick_size=D("0.1"),
        lot_size=D("0.000001"),
    )


def test_order_that_the_venue_works_off_later_is_reported_as_it_then_stands(opened: Any) -> None:
    with opened(entry_delay_ms=30) as broker:
        placed = broker.gateway.order_place(a_resting_order(broker))
        assert (placed.status, placed.limit_price) == (S.NEW, D(90))
        amended = broker.gateway.order_amend(
            OrderAmendment(client_order_id="L1", symbol=broker.symbol, limit_price=D(91))
        )
        assert (amended.limit_price, amended.quantity) == (D(91), D(1))
        ended = broker.gateway.order_cancel(client_order_id="L1", symbol=broker.symbol)
        assert ended.status in {S.CANCELED, S.PENDING_CANCEL}


def test_order_that_is_worked_off_much_later_is_acknowledged(opened: Any) -> None:
    with opened(entry_delay_ms=2000) as broker:
        placed = broker.gateway.order_place(a_resting_order(broker))
        assert (placed.status, placed.client_order_id) == (S.PENDING_NEW, "L1")
        assert placed.venue_order_id


def test_filled_order_is_found_although_the_history_lags(opened: Any) -> None:
    with opened(history_lag_ms=60_000) as broker:
        broker.gateway.order_place(an_order(broker))
        found = broker.gateway.order_find(client_order_id="A1", symbol=broker.symbol)
        assert found is not None
        assert found.status is S.FILLED


@pytest.mark.parametrize(
    ("order_type", "side", "stop", "reached"),
    [
        (OrderType.STOP, Side.BUY, 105, 106),
        (OrderType.STOP, Side.SELL, 95, 94),
        (OrderType.TAKE_PROFIT, Side.BUY, 95, 94),
        (OrderType.TAKE_PROFIT, Side.SELL, 105, 106),
    ],
)
def test_conditional_order_waits_at_the_venue_and_trades_when_it_is_reached(
    broker: BybitUnderTest, order_type: OrderType, side: Side, stop: int, reached: int
) -> None:
    request = an_order(broker, "C1", order_type=order_type, side=side, stop_price=D(stop))
    placed = broker.gateway.order_place(request)
    assert (placed.status, placed.stop_price, placed.limit_price) == (S.NEW, D(stop), None)
    [waiting] = broker.gateway.order_list_open()
    assert waiting == placed
    broker.market_trades(reached)
    found = broker.gateway.order_find(client_order_id="C1", symbol=broker.symbol)
    assert found is not None
    assert found.status is S.FILLED


def test_stop_limit_order_has_both_prices_and_rests_when_it_is_reached(
    broker: BybitUnderTest,
) -> None:
    stop_limit = an_order(
        broker,
        "C1",
        order_type=OrderType.STOP_LIMIT,
        side=Side.SELL,
        stop_price=D(95),
        limit_price=D(97),
    )
    placed = broker.gateway.order_place(stop_limit)
    assert (placed.stop_price, placed.limit_price) == (D(95), D(97))
    broker.market_trades(94)
    [resting] = broker.gateway.order_list_open()
    assert (resting.status, resting.limit_price) == (S.NEW, D(97))


def test_stop_on_the_wrong_side_of_the_market_is_rejected(broker: BybitUnderTest) -> None:
    with pytest.raises(Rejected) as refusal:
        broker.gateway.order_place(
            an_order(broker, order_type=OrderType.STOP, side=Side.BUY, stop_price=D(95))
        )
    assert refusal.value.code in {"110092", "110093"}


def test_post_only_order_that_would_take_ends_canceled_and_says_why(
    broker: BybitUnderTest,
) -> None:
    taking = replace(a_resting_order(broker, post_only=True), limit_price=D(104))
    report = broker.gateway.order_place(taking)
    assert report.status is S.CANCELED
    assert "PostOnly" in report.text
    assert all_fills(broker.gateway) == []


def test_reduce_only_order_without_a_position_is_rejected(broker: BybitUnderTest) -> None:
    with pytest.raises(Rejected):
        broker.gateway.order_place(an_order(broker, side=Side.SELL, reduce_only=True))


def test_hedge_mode_holds_long_and_short_apart_and_exits_the_side_that_it_reduces(
    opened: Any,
) -> None:
    with opened(hedge=True) as broker:
        gateway = broker.gateway
        gateway.order_place(an_order(broker, "B1", quantity=D(3)))
        gateway.order_place(an_order(broker, "S1", side=Side.SELL, quantity=D(2)))
        assert sorted(row.quantity for row in gateway.position_list()) == [D(-2), D(3)]
        gateway.order_place(an_order(broker, "X1", side=Side.SELL, quantity=D(3), reduce_only=True))
        gateway.order_place(an_order(broker, "X2", side=Side.BUY, quantity=D(2), reduce_only=True))
        assert gateway.position_list() == []


def test_mode_that_was_changed_elsewhere_is_found_out_after_one_refusal(
    broker: BybitUnderTest,
) -> None:
    gateway = broker.gateway
    gateway.order_place(a_resting_order(broker, "L1"))
    gateway.order_cancel(client_order_id="L1", symbol=broker.symbol)
    params = {"category": "linear", "symbol": "BTCUSDT", "mode": 3}
    gateway.session.ask(Ask.POSITION_MODE, lambda result: result, **params)
    with pytest.raises(Rejected, match="position idx"):
        gateway.order_place(a_resting_order(broker, "L2"))
    assert gateway.order_place(a_resting_order(broker, "L3")).status is S.NEW


def test_leverage_and_modes_are_set_and_setting_them_again_is_fine(
    broker: BybitUnderTest,
) -> None:
    session = broker.gateway.session
    for _ in range(2):
        leverage_set(session, symbol=broker.symbol, leverage=D("12.5"))
        hedge_mode_set(session, symbol=broker.symbol, is_hedged=True)
    assert leverage_read(session, VenueSymbol("linear", "BTCUSDT")) == D("12.5")
    broker.gateway.order_place(an_order(broker))
    with pytest.raises(Rejected):
        hedge_mode_set(session, symbol=broker.symbol, is_hedged=False)
    for wrong in (D(0), D("NaN"), D(-5)):
        with pytest.raises(Rejected):
            leverage_set(session, symbol=broker.symbol, leverage=wrong)


def test_margin_mode_is_set(broker: BybitUnderTest) -> None:
    margin_mode_set(broker.gateway.session, mode=MarginMode.CROSS)


def test_funding_is_told_as_cash_and_never_as_a_fill(broker: BybitUnderTest) -> None:
    gateway = broker.gateway
    gateway.order_place(an_order(broker, quantity=D(2)))
    before = gateway.balance_list()[0].cash
    broker.venue.control("funding", symbol="BTCUSDT", rate="0.001")
    [fill] = all_fills(gateway)
    assert fill.client_order_id == "A1"
    since, until = datetime.now(UTC) - timedelta(days=15), datetime.now(UTC)
    [paid] = funding_read(gateway.session, since=since, until=until + timedelta(minutes=1))
    assert paid.funding < 0
    assert gateway.balance_list()[0].cash == before + paid.change
    told = transactions_read(gateway.session, since=since, until=until + timedelta(minutes=1))
    assert [row.kind for row in told].count("TRADE") == 1
    assert paid in told


def test_spot_is_bought_and_sold_in_coins_and_held_as_a_position(opened: Any) -> None:
    spot_known()
    with opened(balances={"USDT": "10000"}) as broker:
        gateway = broker.gateway
        bought = an_order(broker, "S1", symbol=SPOT, quantity=D(2))
        assert gateway.order_place(bought).status is S.FILLED
        [fill] = all_fills(gateway)
        assert (fill.symbol, fill.quantity, fill.commission_currency) == (SPOT, D(2), "BTC")
        [position] = gateway.position_list()
        assert (position.symbol, position.quantity) == (SPOT, D(2) - fill.commission)
        assert [row.currency for row in gateway.balance_list()] == ["USDT"]
        waiting = an_order(
            broker,
            "S2",
            symbol=SPOT,
            side=Side.SELL,
            order_type=OrderType.STOP,
            stop_price=D(95),
        )
        assert gateway.order_place(waiting).status is S.NEW
        ended = gateway.order_cancel(client_order_id="S2", symbol=SPOT)
        assert ended.status in {S.CANCELED, S.PENDING_CANCEL}
        gateway.order_place(replace(waiting, client_order_id="S3"))
        gateway.order_place(a_resting_order(broker, "S4", symbol=SPOT))
        assert gateway.order_cancel_all() == 2
        assert gateway.order_list_open() == []


def test_more_than_five_hundred_orders_are_all_canceled(opened: Any) -> None:
    with opened(prices={"BTCUSDT": "100", "ETHUSDT": "100"}) as broker:
        gateway = broker.gateway
        terms = {"category": "linear", "side": "Buy", "orderType": "Limit", "price": "90"}
        for number in range(560):
            code = "BTCUSDT" if number < 300 else "ETHUSDT"
            own = {"symbol": code, "qty": "0.1", "orderLinkId": f"L{number}"}
            gateway.session.ask(Ask.CREATE, lambda result: result, **terms, **own)
        stop = an_order(broker, "C1", order_type=OrderType.STOP, stop_price=D(105))
        gateway.order_place(stop)
        assert len(gateway.order_list_open()) == 561
        assert gateway.order_cancel_all() == 561
        assert gateway.order_list_open() == []


def test_executions_of_many_pages_are_told_once_each_and_in_order(broker: BybitUnderTest) -> None:
    gateway = broker.gateway
    for number in range(230):
        params = {"category": "linear", "symbol": "BTCUSDT", "orderType": "Market", "qty": "0.1"}
        gateway.session.ask(
            Ask.CREATE, lambda result: result, side="Buy", orderLinkId=f"A{number}", **params
        )
    fills = all_fills(gateway)
    assert len({fill.trade_id for fill in fills}) == len(fills) == 230
    assert [fill.executed_at for fill in fills] == sorted(fill.executed_at for fill in fills)


def test_execution_that_shows_up_late_is_told_all_the_same(opened: Any) -> None:
    with opened(history_lag_ms=700) as broker:
        gateway = broker.gateway
        seen: dict[str, FillReport] = {}
        cursor = ""
        deadline = datetime.now(UTC) + timedelta(seconds=3)
        for number in range(12):
            gateway.order_place(an_order(broker, f"A{number}"))
            page = gateway.reports_since(cursor)
            cursor = page.cursor
            seen |= {r.trade_id: r for r in page.reports if isinstance(r, FillReport)}
        while datetime.now(UTC) < deadline and len(seen) < 12:
            page = gateway.reports_since(cursor)
            cursor = page.cursor
            seen |= {r.trade_id: r for r in page.reports if isinstance(r, FillReport)}
        assert {fill.client_order_id for fill in seen.values()} == {f"A{n}" for n in range(12)}


def test_order_placed_by_hand_at_the_venue_is_told_under_the_venues_id(
    broker: BybitUnderTest,
) -> None:
    gateway = broker.gateway
    params = {"category": "linear", "symbol": "BTCUSDT", "orderType": "Market", "qty": "0.1"}
    gateway.session.ask(Ask.CREATE, lambda result: result, side="Buy", **params)
    [fill] = all_fills(gateway)
    assert fill.client_order_id == fill.venue_order_id
    reports = gateway.reports_since("").reports
    assert {r.client_order_id for r in reports if isinstance(r, OrderReport)} == {
        fill.venue_order_id
    }


def test_used_id_with_other_terms_is_answered_with_the_first_order(broker: BybitUnderTest) -> None:
    first = broker.gateway.order_place(a_resting_order(broker))
    assert broker.gateway.order_place(a_resting_order(broker, quantity=D(7))) == first


def test_same_change_sent_again_is_in_force_and_no_refusal(broker: BybitUnderTest) -> None:
    broker.gateway.order_place(a_resting_order(broker))
    change = OrderAmendment(client_order_id="L1", symbol=broker.symbol, limit_price=D(91))
    for _ in range(2):
        assert broker.gateway.order_amend(change).limit_price == D(91)


@pytest.mark.parametrize("kind", ["DROP_AFTER", "RESET", "HTML", "EMPTY", "STATUS_502"])
@pytest.mark.parametrize("endpoint", ["order/cancel", "order/amend", "order/cancel-all"])
def test_change_whose_answer_is_lost_is_unknown(
    broker: BybitUnderTest, kind: str, endpoint: str
) -> None:
    gateway = broker.gateway
    gateway.order_place(a_resting_order(broker))
    broker.venue.fault(kind, endpoint=endpoint)
    change = OrderAmendment(client_order_id="L1", symbol=broker.symbol, limit_price=D(91))
    asked: dict[str, Callable[[], object]] = {
        "order/cancel": lambda: gateway.order_cancel(client_order_id="L1", symbol=broker.symbol),
        "order/amend": lambda: gateway.order_amend(change),
        "order/cancel-all": gateway.order_cancel_all,
    }
    with pytest.raises(OutcomeUnknown):
        asked[endpoint]()


def test_venue_whose_clock_has_moved_gets_no_order(broker: BybitUnderTest) -> None:
    broker.venue.control("clock", offset_ms=-3000)
    with pytest.raises(Unavailable, match="clock is"):
        broker.gateway.order_place(a_resting_order(broker))
    assert broker.venue.journal().creates_by_link() == {}


def test_key_that_the_venue_does_not_know_fails_every_call(opened: Any) -> None:
    with opened(api_secret="another-secret") as broker:
        with pytest.raises(AuthenticationFailed):
            broker.gateway.balance_list()
        with pytest.raises(AuthenticationFailed):
            broker.gateway.order_place(a_resting_order(broker))
