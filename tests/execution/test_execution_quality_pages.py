"""The page of execution quality: whose orders it measures, what it draws, and what it refuses."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import TradingAccount
from apps.accounts.roles import Role
from apps.execution.views.quality_charts import histogram_chart, hour_chart
from apps.orders.selectors.quality import HistogramBin
from tests.factories.accounts import TradingAccountFactory
from tests.factories.strategies import DeploymentFactory
from tests.orders.executed import START, executed
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db
PAGE = "/execution-quality/"
STEPS = {"order.intended": 0, "order.claimed": 4, "order.accepted": 10, "order.filled": 40}


@pytest.fixture
def account() -> TradingAccount:
    return TradingAccountFactory(name="alpha")


@pytest.fixture
def trader(account: TradingAccount) -> Client:
    return signed_in(person(Role.TRADER, member_of=(account,)))


def shown(client: Client, query: str = "") -> str:
    response = client.get(f"{PAGE}{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_figures_charts_and_a_row_for_each_strategy(
    trader: Client, account: TradingAccount
) -> None:
    deployment = DeploymentFactory(account=account, version__name="breakout")
    executed(account=account, deployment=deployment, steps=STEPS)
    executed(account=account, price="99", at=START + timedelta(hours=13))
    html = shown(trader)

    assert "All orders in USDT" in html
    assert "breakout" in html
    assert "By hand" in html
    assert html.count("<svg") == 3
    assert "00:00 UTC: 100.00 bps, orders: 1" in html
    assert "13:00 UTC: -100.00 bps, orders: 1" in html
    assert "wire to ack: half in 6.000 ms" in html
    assert " style=" not in html
    assert "<script>" not in html


def test_it_groups_and_narrows_as_asked(trader: Client, account: TradingAccount) -> None:
    order = executed(account=account)
    executed(account=account, at=START - timedelta(days=40))
    html = shown(trader, f"?by=hour&instrument={order.instrument.symbol}&since=2025-11-01")

    assert "<h2>By hour</h2>" in html
    assert "00:00 UTC</td>" in html
    assert "Decided 2025-11-01 00:00" in html
    assert "All orders in" in shown(trader, "?since=2026-01-05&until=2026-01-05")
    assert "No order fits" in shown(trader, "?since=2026-01-06&until=2026-01-07")


def test_currencies_stand_apart(trader: Client, account: TradingAccount) -> None:
    executed(account=account)
    executed(account=account, instrument__quote_currency="INR", commission_currency="INR")
    html = shown(trader)

    assert "All orders in INR" in html
    assert "All orders in USDT" in html
    assert '<td data-label="Currency">INR</td>' in html


def test_a_stranger_sees_nothing_of_it(account: TradingAccount) -> None:
    order = executed(account=account)
    stranger = signed_in(person(Role.TRADER, member_of=(TradingAccountFactory(name="beta"),)))
    html = shown(stranger)

    assert "No order fits" in html
    assert order.instrument.symbol not in html
    assert "alpha" not in html
    assert "Select a valid choice" in shown(stranger, "?account=alpha")


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("?since=2026-01-07&until=2026-01-05", "From must be before to."),
        ("?since=2024-01-01&until=2026-01-05", "days apart; ask for 366 at most."),
        ("?since=yesterday", "Enter a valid date."),
        ("?by=venue", "Select a valid choice."),
    ],
)
def test_what_makes_no_sense_gives_no_figures_and_says_why(
    trader: Client, account: TradingAccount, query: str, complaint: str
) -> None:
    executed(account=account)
    html = shown(trader, query)

    assert complaint in html
    assert "All orders in" not in html


def test_it_asks_who_is_not_signed_in_to_sign_in(client: Client) -> None:
    assert client.get(PAGE).status_code == 302


def test_it_costs_as_many_queries_for_ten_orders_as_for_one(
    trader: Client, account: TradingAccount
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(trader)
        return len(captured)

    first = executed(account=account)
    one = queries()
    for number in range(9):
        executed(account=account, instrument=first.instrument, at=START + timedelta(hours=number))
    assert queries() == one


def a_bin(low: int | None, high: int | None, orders: int) -> HistogramBin:
    return HistogramBin(
        from_bps=None if low is None else Decimal(low),
        to_bps=None if high is None else Decimal(high),
        orders=orders,
    )


def test_columns_are_as_high_as_their_orders_and_coloured_by_the_side_of_zero() -> None:
    drawn = histogram_chart((a_bin(None, -1, 2), a_bin(-1, 0, 10), a_bin(0, 1, 5)))

    assert [bar.is_cost for bar in drawn.bars] == [False, False, True]
    assert drawn.bars[1].height == 2 * drawn.bars[2].height == 5 * drawn.bars[0].height
    assert [bar.title for bar in drawn.bars] == [
        "below -1 bps, orders: 2",
        "-1 to 0 bps, orders: 10",
        "0 to 1 bps, orders: 5",
    ]
    assert [line.label for line in drawn.lines] == ["0", "5", "10"]


def figures_of_hours(costs: dict[str, str | None]) -> list[Any]:
    class Figures:
        arrival_orders = 1

        def __init__(self, group: str, cost: str | None) -> None:
            self.group = group
            self.arrival_slippage_bps = None if cost is None else Decimal(cost)

    return [Figures(group, cost) for group, cost in costs.items()]


def test_an_hour_that_gained_hangs_below_zero() -> None:
    drawn = hour_chart(figures_of_hours({"00": "4", "03": "-2", "05": None}))
    assert drawn is not None
    cost, gain = drawn.bars

    assert cost.y + cost.height == pytest.approx(drawn.baseline) == gain.y
    assert cost.height == 2 * gain.height
    assert hour_chart(figures_of_hours({"05": None})) is None
    flat = hour_chart(figures_of_hours({"05": "0"}))
    assert flat is not None
    assert [line.label for line in flat.lines] == ["0", "0.5", "1"]
