"""What the paper venue makes of an order, bar by bar; the rule that is worse for us where in doubt.

The prices alone are tested with the rules, in tests/orders.
"""

from decimal import Decimal
from typing import Any

import pytest

from apps.brokers.models import PaperBook, PaperReport
from apps.brokers.paper.gateway import PaperGateway
from apps.brokers.services import market_play
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import Rejected
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import (
    AttachedExit,
    OrderRole,
    OrderType,
    Side,
    TimeInForce,
)
from tests.brokers.builders import (
    START,
    STEP,
    Market,
    a_bar,
    bracket,
    fills,
    found_order,
    prices,
    request,
    status_of,
)
from tests.factories.accounts import TradingAccountFactory

pytestmark = pytest.mark.django_db
D = Decimal
S = OrderStatus


def test_stop_that_the_market_gaps_through_fills_at_the_worse_open(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(bracket(instrument))
    market.play(a_bar(0))
    market.play(a_bar(1, open_="95", high="96", low="94", close="95"))
    assert prices(gateway) == [D(100), D(95)]
    assert status_of(gateway, instrument, "TP") is S.CANCELED


def test_target_that_the_market_gaps_through_fills_at_the_better_open(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(bracket(instrument))
    market.play(a_bar(0))
    market.play(a_bar(1, open_="105", high="106", low="104", close="105"))
    assert prices(gateway) == [D(100), D(105)]
    assert status_of(gateway, instrument, "SL") is S.CANCELED


def test_slippage_worsens_entry_and_stop_to_a_whole_tick_and_spares_the_target(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    PaperBook.objects.update(slippage_bps=D(7))
    gateway.order_place(bracket(instrument))
    market.play(a_bar(0))
    assert prices(gateway) == [D("100.1")]
    stop = found_order(gateway, instrument, "SL")
    target = found_order(gateway, instrument, "TP")
    assert (stop.stop_price, target.limit_price) == (D("99.1"), D("102.2"))
    market.play(a_bar(1, low="99.1", high="103"))
    assert prices(gateway) == [D("100.1"), D("99")]


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
def test_limit_order_for_the_moment_only_does_not_wait_inside_the_bar(
    market: Market, instrument: Instrument, gateway: PaperGateway, time_in_force: TimeInForce
) -> None:
    terms: dict[str, Any] = {"order_type": OrderType.LIMIT, "time_in_force": time_in_force}
    gateway.order_place(request(instrument, "LOW", limit_price=D(99), **terms))
    gateway.order_place(request(instrument, "HIGH", limit_price=D(101), **terms))
    market.play(a_bar(0, low="90"))
    assert status_of(gateway, instrument, "LOW") is S.CANCELED
    assert status_of(gateway, instrument, "HIGH") is S.FILLED
    assert prices(gateway) == [D(100)]


def test_stop_order_for_the_moment_only_waits_for_its_trigger(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    market.cap("0.1")
    gateway.order_place(
        request(
            instrument,
            order_type=OrderType.STOP,
            stop_price=D(105),
            quantity=D(10),
            time_in_force=TimeInForce.IOC,
        )
    )
    market.play(a_bar(0))
    assert status_of(gateway, instrument, "A1") is S.NEW
    market.play(a_bar(1, high="106", volume="40"))
    assert status_of(gateway, instrument, "A1") is S.CANCELED
    assert [(fill.quantity, fill.price) for fill in fills(gateway)] == [(D(4), D(105))]


def test_stop_that_found_too_little_volume_goes_on_as_a_market_order(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(bracket(instrument, quantity=D(10)))
    market.play(a_bar(0))
    market.cap("0.1")
    market.play(a_bar(1, low="98", volume="40"))
    market.play(a_bar(2, open_="103", high="103", low="103", close="103"))
    assert [(fill.quantity, fill.price) for fill in fills(gateway)] == [
        (D(10), D(100)),
        (D(4), D(99)),
        (D(6), D(103)),
    ]
    assert market.held() == 0


def test_exit_covers_an_entry_that_filled_bar_by_bar(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    market.cap("0.1")
    gateway.order_place(bracket(instrument, quantity=D(10)))
    market.play(a_bar(0, volume="60"))
    assert status_of(gateway, instrument, "A1") is S.PARTIALLY_FILLED
    market.play(a_bar(1, volume="0"))
    market.play(a_bar(2, open_="98.9", high="98.9", low="98", close="98", volume="1000"))
    # The entry fills first, at the open; then the stop closes all of it within the bar
    assert [fill.quantity for fill in fills(gateway)] == [D(6), D(4), D(10)]
    assert market.held() == 0


def test_entry_whose_exit_the_market_has_reached_does_not_go_on_to_fill(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    market.cap("0.1")
    gateway.order_place(bracket(instrument, quantity=D(10)))
    market.play(a_bar(0, low="98", volume="60"))
    market.play(a_bar(1, low="98", volume="60"))
    market.play(a_bar(2, volume="6000"))
    assert status_of(gateway, instrument, "A1") is S.CANCELED
    # The bar's volume went to the entry; the stop that it touched fills at the next open
    assert [fill.quantity for fill in fills(gateway)] == [D(6), D(6)]
    assert market.held() == 0
    assert gateway.order_list_open() == []


@pytest.mark.parametrize("time_in_force", [TimeInForce.GTC, TimeInForce.IOC])
def test_entry_ended_by_its_own_exit_is_reported_canceled_once(
    market: Market, instrument: Instrument, gateway: PaperGateway, time_in_force: TimeInForce
) -> None:
    market.cap("0.1")
    gateway.order_place(bracket(instrument, quantity=D(10), time_in_force=time_in_force))
    market.play(a_bar(0, volume="60"))
    market.play(a_bar(1, low="98", volume="30", open_="99", high="99", close="99"))
    market.play(a_bar(2, volume="6000"))
    canceled = PaperReport.objects.filter(order__client_order_id="A1", status="CANCELED")
    assert canceled.count() == 1
    assert market.held() == 0


def test_exits_are_sized_to_what_is_left_after_one_of_them_filled_in_part(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(bracket(instrument, quantity=D(10)))
    market.play(a_bar(0))
    market.cap("0.1")
    market.play(a_bar(1, high="102", volume="40"))
    assert found_order(gateway, instrument, "TP").filled_quantity == D(4)
    assert found_order(gateway, instrument, "SL").quantity == D(6)
    market.play(a_bar(2, low="98", volume="1000"))
    assert [(fill.quantity, fill.price) for fill in fills(gateway)][1:] == [
        (D(4), D(102)),
        (D(6), D(99)),
    ]
    assert status_of(gateway, instrument, "TP") is S.CANCELED
    assert market.held() == 0


def test_orders_on_one_bar_share_its_volume_also_when_one_of_them_came_late(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    market.cap("0.1")
    gateway.order_place(request(instrument, "A1", quantity=D(4)))
    gateway.order_place(request(instrument, "A2", quantity=D(4)))
    bar = a_bar(0, volume="60")
    market.play(bar)
    gateway.order_place(request(instrument, "A3", quantity=D(4)))
    market.play(bar)
    assert [fill.quantity for fill in fills(gateway)] == [D(4), D(2)]
    market.play(a_bar(1, volume="100"))
    assert [fill.quantity for fill in fills(gateway)][2:] == [D(2), D(4)]


def test_bar_without_volume_fills_nothing_under_a_cap(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    market.cap("0.1")
    gateway.order_place(request(instrument))
    market.play(a_bar(0, volume="0"))
    assert fills(gateway) == []
    assert status_of(gateway, instrument, "A1") is S.NEW


def test_short_position_is_stopped_above_and_takes_its_profit_below(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(bracket(instrument, side=Side.SELL))
    market.play(a_bar(0))
    stop, target = (found_order(gateway, instrument, key) for key in ("SL", "TP"))
    assert (stop.side, stop.stop_price) == (Side.BUY, D(101))
    assert (target.side, target.limit_price) == (Side.BUY, D(98))
    market.play(a_bar(1, high="101", low="97"))
    assert prices(gateway) == [D(100), D(101)]


@pytest.mark.parametrize("ratio", ["0", "-0.01", "1"])
def test_exit_at_an_impossible_distance_is_rejected_with_its_entry(
    instrument: Instrument, gateway: PaperGateway, ratio: str
) -> None:
    wrong = AttachedExit(client_order_id="SL", role=OrderRole.STOP_LOSS, distance_ratio=D(ratio))
    with pytest.raises(Rejected, match="between 0 and 1") as refusal:
        gateway.order_place(request(instrument, attached=(wrong,)))
    assert refusal.value.code == "DISTANCE"
    assert gateway.order_list_open() == []


def test_exit_with_the_id_of_another_order_is_rejected_with_its_entry(
    instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(request(instrument, "SL"))
    for key in ("A1", "TP"):
        with pytest.raises(Rejected) as refusal:
            gateway.order_place(bracket(instrument, key=key))
        assert refusal.value.code == "DUPLICATE_ID"
    assert [order.client_order_id for order in gateway.order_list_open()] == ["SL"]


def test_reports_of_an_account_without_a_book_are_an_error_and_never_an_empty_page() -> None:
    gateway = PaperGateway(TradingAccountFactory())
    with pytest.raises(Rejected, match="no paper book"):
        gateway.reports_since("")
    with pytest.raises(Rejected, match="no paper book"):
        gateway.order_find(client_order_id="A1", symbol="TEST:X")
    with pytest.raises(Rejected, match="no paper book"):
        gateway.fill_list_since("")


def test_bars_of_two_accounts_do_not_mix(market: Market, instrument: Instrument) -> None:
    other = TradingAccountFactory()
    gateway = PaperGateway(market.account)
    gateway.order_place(request(instrument))
    assert market_play(account=other, instrument=instrument, bar=a_bar(0)) is False
    assert fills(gateway) == []


def test_order_accepted_at_a_bars_open_meets_that_bar(
    market: Market, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(request(instrument, as_of=START + STEP))
    assert market.play(a_bar(0)) is False
    assert market.play(a_bar(1, open_="101", high="101")) is True
    assert prices(gateway) == [D(101)]
