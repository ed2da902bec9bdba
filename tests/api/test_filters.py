"""Filters are strict: what is misspelt or malformed is refused, and never widens a list."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import TradingAccount
from apps.core.api import filters
from tests.api.resources import LISTS, PREFIX, results
from tests.factories.marketdata import InstrumentFactory
from tests.factories.orders import FillFactory, OrderFactory
from tests.factories.positions import PositionFactory
from tests.factories.risk import RiskLimitFactory
from tests.factories.strategies import DeploymentFactory, SignalFactory
from tradingsite.api import ROUTES

START = datetime(2024, 1, 1, tzinfo=UTC)
STRICT = (
    filters.WordFilter,
    filters.YesNoFilter,
    filters.MomentFilter,
    filters.IdFilter,
    filters.NameFilter,
)
NEEDED = {each.path: each.query for each in LISTS}


def strict_filters() -> Iterator[Any]:
    for route in ROUTES:
        for name, each in route.viewset.filterset_class.base_filters.items():
            if isinstance(each, STRICT):
                yield pytest.param(route.prefix, name, id=f"{route.prefix}-{name}")


@pytest.mark.parametrize(("prefix", "name"), list(strict_filters()))
def test_a_value_that_cannot_be_is_refused_by_its_name(
    auditor: Client, account: TradingAccount, prefix: str, name: str
) -> None:
    InstrumentFactory(symbol="TEST:BARS")
    query = dict(pair.split("=") for pair in NEEDED.get(prefix, "")[1:].split("&") if pair)
    for bogus in ("bogus", "1e3", "-1", "%s%d", "a\x00b"):
        response = auditor.get(f"{PREFIX}/{prefix}/", {**query, name: bogus})

        assert response.status_code == 400, bogus
        assert [error["field"] for error in response.json()["errors"]] == [name]


@pytest.mark.parametrize("prefix", [route.prefix for route in ROUTES])
@pytest.mark.parametrize("query", ["accuont=alpha", "format=json", "ordering=id", "limit=1", "=1"])
def test_a_parameter_that_nothing_reads_is_refused(
    auditor: Client, prefix: str, query: str
) -> None:
    response = auditor.get(f"{PREFIX}/{prefix}/?{query}")

    assert response.status_code == 400
    assert "There is no parameter" in response.json()["detail"]


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("side=BUY&side=SELL", "side is given 2 times; give it once."),
        ("side=", "side has no value; give one or leave it out."),
        ("side=LONG", "LONG is not one of BUY, SELL."),
        ("is_final=yes", "yes is neither true nor false."),
        ("from=2024-01-01T00:00:00", "has no time zone; write it as 2024-01-31T09:30:00Z."),
        (
            "from=yesterday",
            "yesterday is not a moment; write it as 2024-01-31T09:30:00Z (a + as %2B).",
        ),
        ("from=9999-12-31T23:59:59-12:00", "is not a moment"),
        ("account=beta", "There is no account of this name for you."),
        ("account=nowhere", "There is no account of this name for you."),
        ("instrument=NO:WHERE", "There is no instrument of this name for you."),
        ("deployment=theirs", "There is no deployment of this name for you."),
        ("page_size=0", "page_size must be 1 to 200, was '0'."),
    ],
)
def test_the_complaint_says_what_was_expected(
    trader: Client, other_account: TradingAccount, query: str, complaint: str
) -> None:
    DeploymentFactory(name="theirs", account=other_account)
    response = trader.get(f"{PREFIX}/orders/?{query}")

    assert response.status_code == 400
    assert complaint in response.json()["detail"]


def test_every_complaint_is_given_at_once(trader: Client) -> None:
    response = trader.get(f"{PREFIX}/orders/?side=LONG&role=NONE&is_final=2")

    fields = [error["field"] for error in response.json()["errors"]]
    assert sorted(fields) == ["is_final", "role", "side"]


@pytest.mark.parametrize(
    ("prefix", "missing"),
    [("candles", {"instrument", "timeframe"}), ("equity", {"account"})],
)
def test_what_a_list_cannot_do_without_is_asked_for(
    trader: Client, prefix: str, missing: set[str]
) -> None:
    response = trader.get(f"{PREFIX}/{prefix}/")

    assert response.status_code == 400
    assert {error["field"] for error in response.json()["errors"]} == missing


def test_one_row_takes_no_parameter(trader: Client, account: TradingAccount) -> None:
    order = OrderFactory(account=account)

    assert trader.get(f"{PREFIX}/orders/{order.pk}/?side=BUY").status_code == 400


def ids_of(client: Client, path: str) -> list[int]:
    return [row["id"] for row in results(client, f"{PREFIX}/{path}")]


def test_orders_are_found_by_what_they_are(trader: Client, account: TradingAccount) -> None:
    deployment = DeploymentFactory(account=account, name="mine")
    entry = OrderFactory(account=account, deployment=deployment, status="FILLED", filled_quantity=1)
    stop = OrderFactory(
        account=account,
        parent=entry,
        role="STOP_LOSS",
        side="SELL",
        order_type="STOP",
        status="NEW",
        venue_order_id="V7",
    )

    for query, found in (
        ("", [stop, entry]),
        ("account=alpha", [stop, entry]),
        ("deployment=mine", [entry]),
        (f"instrument={stop.instrument.symbol}", [stop]),
        ("side=SELL", [stop]),
        ("role=ENTRY", [entry]),
        ("order_type=STOP", [stop]),
        ("status=FILLED", [entry]),
        ("is_final=true", [entry]),
        ("is_final=false", [stop]),
        (f"parent={entry.pk}", [stop]),
        (f"client_order_id={entry.client_order_id}", [entry]),
        ("venue_order_id=V7", [stop]),
        ("signal=1", []),
        ("status=FILLED&side=SELL", []),
    ):
        assert ids_of(trader, f"orders/?{query}") == [order.pk for order in found], query


def test_a_window_takes_its_start_and_leaves_its_end(
    trader: Client, account: TradingAccount
) -> None:
    first, second, third = (
        OrderFactory(account=account, decided_at=START + timedelta(hours=n)) for n in range(3)
    )

    def found(since: str, until: str) -> list[int]:
        return ids_of(trader, f"orders/?from={since}&to={until}")

    assert found("2024-01-01T00:00:00Z", "2024-01-01T02:00:00Z") == [second.pk, first.pk]
    assert found("2024-01-01T06:30:00%2B05:30", "2024-01-01T03:00:00Z") == [third.pk, second.pk]
    assert found("2024-01-01T02:00:00Z", "2024-01-01T02:00:00Z") == []


def test_fills_positions_signals_and_limits_are_found_by_what_they_are(
    trader: Client, account: TradingAccount
) -> None:
    fill = FillFactory(order__account=account, trade_id="T9")
    FillFactory(order__account=account)
    held = PositionFactory(deployment__account=account)
    flat = PositionFactory(
        deployment__account=account, quantity=0, average_entry_price=0, opened_at=None
    )
    signal = SignalFactory(deployment__account=account, action="EXIT")
    old = RiskLimitFactory(account=account, is_current=False)
    RiskLimitFactory(account=account, version=2)

    assert ids_of(trader, "fills/?trade_id=T9") == [fill.pk]
    assert ids_of(trader, f"fills/?order={fill.order_id}") == [fill.pk]
    assert ids_of(trader, "positions/?is_open=true") == [held.pk]
    assert ids_of(trader, "positions/?is_open=false") == [flat.pk]
    assert ids_of(trader, "signals/?action=EXIT&account=alpha") == [signal.pk]
    assert ids_of(trader, "limits/?is_current=false") == [old.pk]
