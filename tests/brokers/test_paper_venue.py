from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import TradingAccount
from apps.brokers.models import PaperBook, PaperPosition
from apps.brokers.paper.gateway import PaperGateway
from apps.brokers.services import market_play
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import Rejected
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import (
    FillReport,
    OrderReport,
    OrderType,
    Side,
    TimeInForce,
)
from tests.brokers.builders import (
    START,
    STEP,
    a_bar,
    bracket,
    fills,
    found_order,
    request,
    status_of,
)
from tests.factories.marketdata import InstrumentFactory

pytestmark = pytest.mark.django_db
D = Decimal
S = OrderStatus


def test_market_order_fills_at_the_next_bars_open_and_pays_the_fee(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(request(instrument))
    market_play(account=account, instrument=instrument, bar=a_bar(0, open_="101", high="101"))
    [fill] = fills(gateway)
    assert (fill.price, fill.commission, fill.executed_at) == (D(101), D("0.101"), START)
    assert PaperBook.objects.get().cash == D("9999.899")


def test_order_never_meets_a_bar_that_opened_before_it_was_accepted(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(request(instrument, as_of=START + STEP))
    assert market_play(account=account, instrument=instrument, bar=a_bar(0)) is False
    assert fills(gateway) == []


def test_playing_a_bar_again_changes_nothing(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(request(instrument, order_type=OrderType.LIMIT, limit_price=D(99)))
    low = a_bar(0, low="99.5")
    assert market_play(account=account, instrument=instrument, bar=low) is True
    assert market_play(account=account, instrument=instrument, bar=low) is False
    assert market_play(account=account, instrument=instrument, bar=a_bar(1, low="98")) is True
    assert market_play(account=account, instrument=instrument, bar=a_bar(1, low="98")) is False
    assert len(fills(gateway)) == 1


def test_same_client_order_id_is_taken_once(instrument: Instrument, gateway: PaperGateway) -> None:
    first = gateway.order_place(request(instrument))
    again = gateway.order_place(request(instrument))
    assert first == again
    assert len(gateway.order_list_open()) == 1


def test_stop_and_target_start_with_the_entry_and_one_ends_the_other(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(bracket(instrument))
    assert status_of(gateway, instrument, "SL") is S.PENDING_NEW
    market_play(account=account, instrument=instrument, bar=a_bar(0))
    stop = found_order(gateway, instrument, "SL")
    assert (stop.status, stop.stop_price) == (S.NEW, D(99))
    market_play(account=account, instrument=instrument, bar=a_bar(1, high="103"))
    assert status_of(gateway, instrument, "TP") is S.FILLED
    assert status_of(gateway, instrument, "SL") is S.CANCELED
    assert PaperPosition.objects.get().quantity == 0
    assert [fill.price for fill in fills(gateway)] == [D(100), D(102)]


def test_bar_that_touches_both_exits_takes_the_stop(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(bracket(instrument))
    market_play(account=account, instrument=instrument, bar=a_bar(0, high="105", low="95"))
    assert [fill.price for fill in fills(gateway)] == [D(100), D(99)]
    assert status_of(gateway, instrument, "TP") is S.CANCELED


def test_target_does_not_see_the_bar_inside_which_a_limit_entry_filled(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(bracket(instrument, order_type=OrderType.LIMIT, limit_price=D("99.5")))
    market_play(account=account, instrument=instrument, bar=a_bar(0, high="110", low="99.4"))
    assert [fill.price for fill in fills(gateway)] == [D("99.5")]
    assert status_of(gateway, instrument, "TP") is S.NEW


def test_volume_cap_fills_in_parts_and_the_exits_grow_with_the_entry(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    PaperBook.objects.update(volume_cap_ratio=D("0.1"))
    gateway.order_place(bracket(instrument, quantity=D(10)))
    market_play(account=account, instrument=instrument, bar=a_bar(0, volume="60"))
    assert status_of(gateway, instrument, "A1") is S.PARTIALLY_FILLED
    stop = found_order(gateway, instrument, "SL")
    assert stop.quantity == D(6)
    market_play(account=account, instrument=instrument, bar=a_bar(1, volume="60"))
    assert status_of(gateway, instrument, "A1") is S.FILLED
    stop = found_order(gateway, instrument, "SL")
    assert stop.quantity == D(10)
    assert [fill.quantity for fill in fills(gateway)] == [D(6), D(4)]


def test_canceled_entry_keeps_the_exits_of_what_filled(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    PaperBook.objects.update(volume_cap_ratio=D("0.1"))
    gateway.order_place(bracket(instrument, quantity=D(10)))
    market_play(account=account, instrument=instrument, bar=a_bar(0, volume="60"))
    gateway.order_cancel(client_order_id="A1", symbol=instrument.symbol)
    assert status_of(gateway, instrument, "SL") is S.NEW
    market_play(account=account, instrument=instrument, bar=a_bar(1, low="98", volume="600"))
    assert PaperPosition.objects.get().quantity == 0


def test_canceled_unfilled_entry_ends_its_exits(
    instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(bracket(instrument))
    gateway.order_cancel(client_order_id="A1", symbol=instrument.symbol)
    assert gateway.order_list_open() == []


def test_fill_or_kill_without_enough_volume_is_killed_whole(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    PaperBook.objects.update(volume_cap_ratio=D("0.1"))
    gateway.order_place(request(instrument, quantity=D(10), time_in_force=TimeInForce.FOK))
    market_play(account=account, instrument=instrument, bar=a_bar(0, volume="60"))
    assert status_of(gateway, instrument, "A1") is S.CANCELED
    assert fills(gateway) == []


def test_immediate_or_cancel_keeps_what_filled_and_cancels_the_rest(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    PaperBook.objects.update(volume_cap_ratio=D("0.1"))
    gateway.order_place(request(instrument, quantity=D(10), time_in_force=TimeInForce.IOC))
    market_play(account=account, instrument=instrument, bar=a_bar(0, volume="60"))
    assert status_of(gateway, instrument, "A1") is S.CANCELED
    assert [fill.quantity for fill in fills(gateway)] == [D(6)]


def test_reduce_only_order_never_turns_the_position(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    gateway.order_place(request(instrument))
    market_play(account=account, instrument=instrument, bar=a_bar(0))
    gateway.order_place(
        request(
            instrument, "A2", side=Side.SELL, quantity=D(3), reduce_only=True, as_of=START + STEP
        )
    )
    market_play(account=account, instrument=instrument, bar=a_bar(1))
    market_play(account=account, instrument=instrument, bar=a_bar(2))
    assert PaperPosition.objects.get().quantity == 0
    assert status_of(gateway, instrument, "A2") is S.CANCELED


def test_cash_of_a_perpetual_moves_by_result_and_of_a_share_by_price(
    account: TradingAccount, gateway: PaperGateway
) -> None:
    perpetual = InstrumentFactory(kind="PERPETUAL", lot_size=D(1), tick_size=D(1))
    share = InstrumentFactory(kind="EQUITY", lot_size=D(1), tick_size=D(1))
    PaperBook.objects.update(fee_bps=D(0))
    for number, instrument in enumerate((perpetual, share)):
        gateway.order_place(request(instrument, f"B{number}"))
        market_play(account=account, instrument=instrument, bar=a_bar(0))
    assert PaperBook.objects.get().cash == D(9_900)
    for number, instrument in enumerate((perpetual, share)):
        gateway.order_place(request(instrument, f"S{number}", side=Side.SELL, as_of=START + STEP))
        market_play(account=account, instrument=instrument, bar=a_bar(1, open_="110", high="110"))
    assert PaperBook.objects.get().cash == D(10_020)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": D("0.15")}, "LOT"),
        ({"quantity": D(0)}, "LOT"),
        ({"order_type": OrderType.LIMIT, "limit_price": D("99.95")}, "TICK"),
        ({"order_type": OrderType.LIMIT}, "PRICE"),
        ({"order_type": OrderType.STOP}, "PRICE"),
        ({"symbol": "NOWHERE:NOTHING"}, "SYMBOL"),
    ],
)
def test_order_against_the_rules_is_rejected_and_nothing_is_kept(
    instrument: Instrument, gateway: PaperGateway, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(Rejected) as refusal:
        gateway.order_place(request(instrument, **changes))
    assert refusal.value.code == code
    assert gateway.order_list_open() == []
    assert gateway.reports_since("").reports == ()


def test_account_without_a_book_is_an_error_and_never_an_empty_answer() -> None:
    gateway = PaperGateway(TradingAccount.objects.create(name="none", broker="PAPER"))
    for read in (gateway.order_list_open, gateway.position_list, gateway.balance_list):
        with pytest.raises(Rejected, match="no paper book"):
            read()


def test_reports_come_in_order_page_by_page_and_each_once(
    account: TradingAccount, instrument: Instrument, gateway: PaperGateway
) -> None:
    for number in range(150):
        gateway.order_place(request(instrument, f"N{number}"))
    market_play(account=account, instrument=instrument, bar=a_bar(0))
    first = gateway.reports_since("")
    second = gateway.reports_since(first.cursor)
    assert (len(first.reports), first.has_more, len(second.reports)) == (200, True, 100)
    assert all(isinstance(item, OrderReport) for item in first.reports[:150])
    assert all(isinstance(item, FillReport) for item in second.reports)
    last = gateway.reports_since(second.cursor)
    assert (last.reports, last.cursor) == ((), second.cursor)
