"""The whole desk on a venue that speaks Bybit: order, stream, fill, ledger, reconciliation."""

import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from apps.brokers.bybit.opening import SESSIONS
from apps.core.clock import wall_now
from apps.core.models import AuditEvent
from apps.execution.account_runner import account_tick
from apps.execution.management.commands.bybit_stream import account_listen
from apps.execution.services.entry import order_enter
from apps.execution.services.streaming import followed_list
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.models import Instrument
from apps.marketdata.services import quote_record
from apps.orders.domain.tickets import OrderTicket
from apps.orders.domain.types import OrderOrigin, OrderType, Side
from apps.orders.models import Order
from apps.positions.models import LedgerAccount
from apps.positions.selectors import position_quantity_account
from apps.positions.services import deposit_book
from apps.reconciliation.models import Break, ReconciliationRun
from apps.reconciliation.services import account_reconcile
from tests.contracts.broker import a_resting_order
from tests.contracts.bybit import BybitUnderTest, bybit_under_test
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.factories.strategies import DeploymentFactory

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
PATIENCE_SECONDS = 20.0


class BybitDesk:
    """An account at the venue with its cash in the ledger, worked by hand."""

    def __init__(self, broker: BybitUnderTest) -> None:
        self.venue, self.account = broker.venue, broker.account
        self.instrument = Instrument.objects.get(symbol=broker.symbol)
        Instrument.objects.filter(pk=self.instrument.pk).update(minimum_notional=D(5))
        deposit_book(
            account=self.account,
            amount=D(10_000),
            currency="USDT",
            source_id="start",
            occurred_at=wall_now(),
            description="Cash at the start",
        )
        self.price(100)
        assert self.reconcile() == "MATCHED"

    def price(self, last: int) -> None:
        self.venue.price("BTCUSDT", last)
        quote = QuoteView(last=D(last))
        quote_record(instrument=self.instrument, quote=quote, source="TICKER", quoted_at=wall_now())

    def reconcile(self) -> str:
        return account_reconcile(
            account=self.account, trigger=ReconciliationRun.Trigger.COMMAND
        ).result

    def enter(self, key: str, **terms: Any) -> Order:
        entered = order_enter(
            account=self.account,
            instrument=Instrument.objects.get(pk=self.instrument.pk),
            ticket=OrderTicket(**terms),
            key=key,
            actor=None,
            origin=OrderOrigin.MANUAL,
        )
        assert entered.decision.outcome == "ALLOWED", entered.decision.reason
        assert entered.order is not None
        account_tick(account_id=self.account.pk)
        return Order.objects.get(
            account=self.account, client_order_id=entered.order.client_order_id
        )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[BybitDesk]:
    with bybit_under_test(tmp_path) as broker:
        yield BybitDesk(broker)


@pytest.fixture
def listening(desk: BybitDesk) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=account_listen, args=(desk.account, stop))
    thread.start()
    try:
        until(lambda: len(desk.venue.control("state")["sockets"]) == 1)
        yield
    finally:
        stop.set()
        thread.join()
    assert desk.venue.control("state")["sockets"] == []


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to it"
        time.sleep(0.05)


LIMIT = {"side": Side.BUY, "order_type": OrderType.LIMIT, "quantity": D(2), "limit_price": D(90)}


def test_market_order_goes_from_entry_to_ledger_and_matches_the_venue(desk: BybitDesk) -> None:
    order = desk.enter("M1", side=Side.BUY, order_type=OrderType.MARKET, quantity=D(2))
    account_tick(account_id=desk.account.pk)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("FILLED", D(2))
    assert position_quantity_account(account=desk.account, instrument=desk.instrument) == D(2)
    desk.price(110)
    assert desk.reconcile() == "MATCHED"
    assert Break.objects.count() == 0


@pytest.mark.usefixtures("listening")
def test_fill_at_the_venue_reaches_the_books_by_the_stream_alone(desk: BybitDesk) -> None:
    order = desk.enter("L1", **LIMIT)
    assert order.status == "NEW"
    desk.price(89)
    until(lambda: Order.objects.get(pk=order.pk).status == "FILLED")
    assert desk.reconcile() == "MATCHED"


@pytest.mark.usefixtures("listening")
def test_fill_while_the_stream_was_away_is_read_after_it_has_come_back(desk: BybitDesk) -> None:
    order = desk.enter("L1", **LIMIT)
    desk.venue.fault("STALL", endpoint="order")
    desk.venue.fault("DISCONNECT", endpoint="execution")
    desk.price(89)
    until(lambda: Order.objects.get(pk=order.pk).status == "FILLED")


def test_order_whose_answer_is_lost_is_found_by_the_desk_and_sent_once(desk: BybitDesk) -> None:
    desk.venue.fault("DROP_AFTER", endpoint="order/create")
    order = desk.enter("L1", **LIMIT)
    account_tick(account_id=desk.account.pk)
    order.refresh_from_db()
    assert order.status == "NEW"
    assert desk.venue.journal().creates_by_link() == {order.client_order_id: 1}
    assert desk.venue.journal().blind_resends() == []


def test_old_order_that_ends_at_the_venue_is_found_out_without_its_history(
    desk: BybitDesk,
) -> None:
    order = desk.enter("L1", **LIMIT)
    desk.venue.control("cancel", order=order.client_order_id)
    account_tick(account_id=desk.account.pk)
    desk.reconcile()
    order.refresh_from_db()
    assert order.status == "CANCELED"
    assert Break.objects.count() == 0


def test_funding_is_booked_once_and_the_books_match_the_venue(desk: BybitDesk) -> None:
    desk.enter("M1", side=Side.BUY, order_type=OrderType.MARKET, quantity=D(2))
    account_tick(account_id=desk.account.pk)
    for rate in ("0.0001", "-0.0003"):
        desk.venue.control("funding", symbol="BTCUSDT", rate=rate)
    for _ in range(2):
        assert desk.reconcile() == "MATCHED"
    assert Break.objects.count() == 0
    funding = LedgerAccount.objects.get(account=desk.account, code="FUNDING")
    assert funding.balance == D(2) * 100 * (D("0.0001") - D("0.0003"))


def test_account_is_taken_in_with_its_cash_once(tmp_path: Path) -> None:
    with bybit_under_test(tmp_path, balances={"USDT": "1234.5"}) as broker:
        account, by = broker.account, UserFactory(email="olga@desk.example")
        run = account_reconcile(account=account, trigger=ReconciliationRun.Trigger.COMMAND)
        assert run.result == "BREAKS"
        call_command("opening_cash", "--account", account.name, "--by", "olga@desk.example")
        cash = LedgerAccount.objects.get(account=account, code="CASH")
        assert cash.balance == D("1234.5")
        run = account_reconcile(account=account, trigger=ReconciliationRun.Trigger.COMMAND)
        assert run.result == "MATCHED"
        event = AuditEvent.objects.get(action="ledger.deposit_booked")
        assert event.actor_id == by.pk
        with pytest.raises(CommandError, match="bookings already"):
            call_command("opening_cash", "--account", account.name, "--by", "olga@desk.example")
        cash.refresh_from_db()
        assert cash.balance == D("1234.5")


def test_account_with_positions_or_orders_is_not_taken_in(tmp_path: Path) -> None:
    with bybit_under_test(tmp_path) as broker:
        UserFactory(email="olga@desk.example")
        broker.gateway.order_place(a_resting_order(broker))
        with pytest.raises(CommandError, match="close them first"):
            call_command(
                "opening_cash", "--account", broker.account.name, "--by", "olga@desk.example"
            )
        assert LedgerAccount.objects.count() == 0


def test_working_order_has_its_market_followed(desk: BybitDesk) -> None:
    assert followed_list() == {"linear": [], "spot": []}
    desk.enter("L1", **LIMIT)
    [followed] = followed_list()["linear"]
    assert followed.instrument == desk.instrument
    assert followed.topics == {"tickers.BTCUSDT", "orderbook.1.BTCUSDT"}


def test_copy_that_a_replay_trades_on_is_neither_read_nor_followed_at_the_venue(
    desk: BybitDesk, caplog: pytest.LogCaptureFixture
) -> None:
    copy = Instrument.objects.get(pk=desk.instrument.pk)
    copy.pk, copy.symbol = None, f"{copy.symbol}~0123456789"
    copy._state.adding = True
    copy.save()
    DeploymentFactory(state="RUNNING", instruments=[copy])
    assert followed_list() == {"linear": [], "spot": []}
    assert desk.reconcile() == "MATCHED"
    assert "~0123456789" not in caplog.text


def test_account_without_a_key_trades_nothing_and_says_why(desk: BybitDesk) -> None:
    keyless = TradingAccountFactory(broker="BYBIT", mode="TEST", base_currency="USDT")
    run = account_reconcile(account=keyless, trigger=ReconciliationRun.Trigger.COMMAND)
    assert run.result == "FAILED"
    assert "AuthenticationFailed" in run.failure


def test_stream_of_an_unknown_account_is_refused_with_the_known_ones(desk: BybitDesk) -> None:
    with pytest.raises(CommandError, match=desk.account.name):
        call_command("bybit_stream", "--account", "nobody")


def test_account_on_the_test_network_speaks_to_the_host_of_its_setting(desk: BybitDesk) -> None:
    hosts = {}
    for network in ("testnet", "demo"):
        with override_settings(BYBIT_TEST_NETWORK=network, BYBIT_REST_URL=None):
            SESSIONS.clear()
            hosts[network] = SESSIONS.of(desk.account).hosts.rest
    SESSIONS.clear()
    assert hosts == {
        "testnet": "https://api-testnet.bybit.com",
        "demo": "https://api-demo.bybit.com",
    }
