"""Numbers are plain decimal strings, moments are UTC with a Z, rows are named as callers filter."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.test import Client
from django.utils import timezone

from apps.accounts.models import TradingAccount
from tests.api.resources import PREFIX, results
from tests.factories.marketdata import CandleFactory, InstrumentFactory
from tests.factories.orders import FillFactory, OrderEventFactory, OrderFactory, SignalOrderFactory
from tests.factories.positions import EquitySnapshotFactory, LedgerTransactionFactory
from tests.factories.strategies import DeploymentFactory

AT = datetime(2024, 3, 1, 9, 30, tzinfo=UTC)


def one(client: Client, path: str) -> dict[str, Any]:
    response = client.get(f"{PREFIX}/{path}")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    row: dict[str, Any] = response.json()
    return row


def test_amounts_have_neither_exponent_nor_trailing_zeros(
    trader: Client, account: TradingAccount
) -> None:
    instrument = InstrumentFactory(symbol="TEST:SMALL", tick_size=Decimal("0.0000000001"))
    EquitySnapshotFactory(
        account=account, as_of=AT, cash=Decimal("123456789012345678.1234567891"), holdings=0
    )

    assert one(trader, f"instruments/{instrument.symbol}/")["tick_size"] == "0.0000000001"
    [snapshot] = results(trader, f"{PREFIX}/equity/?account=alpha")
    assert snapshot["cash"] == "123456789012345678.1234567891"
    assert snapshot["holdings"] == "0"


def test_moments_are_utc_whatever_the_time_zone_of_the_process(
    trader: Client, account: TradingAccount
) -> None:
    order = OrderFactory(account=account, decided_at=AT)
    with timezone.override("Asia/Kolkata"):
        assert one(trader, f"orders/{order.pk}/")["decided_at"] == "2024-03-01T09:30:00Z"


def test_an_order_names_what_it_belongs_to_and_counts_what_is_left(
    trader: Client, account: TradingAccount
) -> None:
    order = SignalOrderFactory(
        risk_decision__signal__deployment=DeploymentFactory(account=account, name="mine"),
        quantity=Decimal("2.50"),
        filled_quantity=Decimal("0.5"),
        status="PARTIALLY_FILLED",
    )
    shown = one(trader, f"orders/{order.pk}/")

    assert shown["account"] == "alpha"
    assert shown["deployment"] == "mine"
    assert shown["instrument"] == order.instrument.symbol
    assert (shown["quantity"], shown["leaves_quantity"]) == ("2.5", "2")
    assert (shown["signal"], shown["risk_decision"]) == (order.signal_id, order.risk_decision_id)


def test_one_order_comes_with_its_history_in_order(trader: Client, account: TradingAccount) -> None:
    order = OrderFactory(account=account, quantity=2)
    for sequence, kind in ((2, "order.claimed"), (1, "order.intended")):
        OrderEventFactory(order=order, sequence=sequence, kind=kind)
    fills = [FillFactory(order=order, quantity=1) for _ in range(2)]
    stop = OrderFactory(account=account, parent=order, role="STOP_LOSS")
    shown = one(trader, f"orders/{order.pk}/")

    assert [event["kind"] for event in shown["events"]] == ["order.intended", "order.claimed"]
    assert [fill["trade_id"] for fill in shown["fills"]] == [fill.trade_id for fill in fills]
    assert shown["exits"] == [stop.pk]
    assert "events" not in results(trader, f"{PREFIX}/orders/")[0]


def test_a_booked_event_comes_with_both_sides(trader: Client, account: TradingAccount) -> None:
    booked = LedgerTransactionFactory(account=account)
    shown = one(trader, f"ledger-transactions/{booked.pk}/")

    assert [(side["ledger_account"], side["amount"]) for side in shown["entries"]] == [
        ("CASH", "100"),
        ("CAPITAL", "-100"),
    ]


def test_candles_come_newest_first_within_their_window(trader: Client) -> None:
    instrument = InstrumentFactory(symbol="TEST:BARS")
    for hour in (9, 10, 11):
        CandleFactory(instrument=instrument, open_at=AT.replace(hour=hour))
    query = "instrument=TEST:BARS&timeframe=5m"

    shown = results(trader, f"{PREFIX}/candles/?{query}&to=2024-03-01T11:30:00Z")
    assert [row["open_at"][11:16] for row in shown] == ["10:30", "09:30"]
    assert (shown[0]["open"], shown[0]["volume"]) == ("100", "1000")
