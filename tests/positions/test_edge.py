"""What a deployment's own trades have shown, from a bounded look at its newest fills."""

from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from apps.positions.domain.trades import edge_of, trades_from_fills
from apps.positions.selectors import deployment_edge
from apps.risk.domain.sizing import Edge, kelly_fraction
from apps.strategies.models import Deployment
from tests.factories.marketdata import InstrumentFactory
from tests.factories.orders import FillFactory, OrderFactory
from tests.factories.positions import PositionFactory
from tests.factories.strategies import DeploymentFactory
from tests.positions.test_trades import a_fill

D = Decimal


def edge_after(*results: int) -> Edge:
    """The edge of trades that came to these results."""
    fills = []
    for result in results:
        fills += [a_fill(1, 1000), a_fill(-1, 1000 + result)]
    return edge_of(trades_from_fills(fills))


def test_an_edge_is_win_rate_and_payoff() -> None:
    assert edge_after(30, -10, 10, -10) == Edge(win_rate=D("0.5"), payoff=D(2), trades=4)


def test_a_trade_that_only_pays_its_commission_is_lost() -> None:
    fills = [a_fill(1, 100, commission=D(1)), a_fill(-1, 101), a_fill(1, 100), a_fill(-1, 103)]
    assert edge_of(trades_from_fills(fills)) == Edge(win_rate=D("0.5"), payoff=D("Inf"), trades=2)
    assert edge_of(trades_from_fills(fills[:2])) == Edge(win_rate=D(0), payoff=D(0), trades=1)


def test_an_open_trade_shows_nothing_yet() -> None:
    assert edge_of(trades_from_fills([a_fill(1, 100)])) == Edge(
        win_rate=D(0), payoff=D(0), trades=0
    )


@given(st.lists(st.integers(-900, 900), max_size=40))
def test_kelly_stakes_nothing_on_what_loses_and_never_more_than_all(results: list[int]) -> None:
    fraction = kelly_fraction(edge_after(*results))
    assert fraction <= 1
    if sum(results) <= 0:
        assert fraction <= D("1e-20")


def trades_book(deployment: Deployment, *steps: int) -> None:
    """Store fills that bring a new instrument's position from step to step, a point dearer each."""
    instrument = InstrumentFactory()
    for number, (before, after) in enumerate(pairwise(steps)):
        side = "BUY" if after > before else "SELL"
        order = OrderFactory(
            deployment=deployment,
            account=deployment.account,
            instrument=instrument,
            side=side,
            quantity=abs(after - before),
            filled_quantity=abs(after - before),
            status="FILLED",
        )
        FillFactory(order=order, price=D(100 + number), commission=0)
    if steps[-1]:
        PositionFactory(deployment=deployment, instrument=instrument, quantity=steps[-1])


@pytest.mark.django_db
def test_only_a_deployments_own_trades_count() -> None:
    deployment = DeploymentFactory()
    trades_book(deployment, 0, 1, 0, -1, 0)
    trades_book(deployment, 0, 2, 0)
    trades_book(deployment, 0, 3, 0)
    trades_book(DeploymentFactory(account=deployment.account), 0, 1, 0)
    assert deployment_edge(deployment=deployment) == Edge(win_rate=D("0.75"), payoff=D(2), trades=4)


@pytest.mark.django_db
@pytest.mark.parametrize(("fills", "trades"), [(6, 3), (5, 2), (4, 2), (3, 1), (2, 1), (1, 0)])
def test_a_trade_that_began_before_the_look_is_left_out(fills: int, trades: int) -> None:
    deployment = DeploymentFactory()
    trades_book(deployment, 0, 1, 0, 1, 0, 1, 0)
    assert deployment_edge(deployment=deployment, fills=fills).trades == trades


@pytest.mark.django_db
def test_an_open_position_is_counted_back_from() -> None:
    deployment = DeploymentFactory()
    trades_book(deployment, 0, 3, 0, 2, 0, 5, 7)
    trades_book(deployment, 0, -4)
    assert deployment_edge(deployment=deployment, fills=6).trades == 1
    assert deployment_edge(deployment=deployment, fills=5).trades == 1
    assert deployment_edge(deployment=deployment, fills=4).trades == 0


@pytest.mark.django_db
def test_it_costs_two_queries_however_much_was_traded() -> None:
    deployment = DeploymentFactory()
    trades_book(deployment, *([0, 1] * 10))
    with CaptureQueriesContext(connection) as queries:
        deployment_edge(deployment=deployment, fills=4)
    assert len(queries) == 2
