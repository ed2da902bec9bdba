"""How much a deployment enters with, through the pipeline; and why it enters with nothing."""

from decimal import Decimal
from typing import Any

import pytest

from apps.execution.services.measures import measures_for
from apps.orders.models import Order
from apps.positions.selectors import deployment_edge
from apps.risk.models import RiskDecision
from apps.strategies.models import Deployment, SizingMethod
from apps.strategies.services import DeploymentRefused
from tests.execution.chain import (
    START,
    account_open,
    bars_of,
    deployment_running,
    instrument_of,
    play,
    statuses,
)
from tests.factories.marketdata import InstrumentFactory
from tests.factories.positions import PositionFactory

pytestmark = pytest.mark.django_db
D = Decimal
CALM = ["100.00", "101.00"] * 10
"""Closes whose true range is 1 at every bar."""


def sized(method: str, value: str, cap: str | None = None, **terms: Any) -> Deployment:
    """A deployment on an account of 10,000 whose instrument trades in thousandths."""
    settings = {
        "sizing_method": method,
        "sizing_value": D(value),
        "sizing_cap_ratio": None if cap is None else D(cap),
    }
    instrument = InstrumentFactory(lot_size=D("0.001"))
    return deployment_running(
        account=account_open(), instruments=[instrument], settings=settings, **terms
    )


def entered() -> Decimal:
    return Decimal(Order.objects.filter(role="ENTRY").latest("pk").quantity)


def refusal() -> tuple[str, str]:
    decision = RiskDecision.objects.get(outcome=RiskDecision.Outcome.DENIED)
    return decision.check_name, decision.reason


@pytest.mark.parametrize(
    ("method", "value", "cap", "quantity"),
    [
        (SizingMethod.FIXED_QUANTITY, "1.5", None, "1.5"),
        (SizingMethod.FIXED_NOTIONAL, "1000", None, "9.975"),  # 1000 / 100.25 = 9.9750…
        (SizingMethod.FRACTION_OF_EQUITY, "0.2", None, "19.95"),  # 2000 / 100.25 = 19.9501…
        (SizingMethod.FRACTION_OF_EQUITY, "0.2", "0.1", "9.975"),  # the cap is smaller
    ],
)
def test_a_stake_becomes_units_rounded_down_to_the_lot(
    method: str, value: str, cap: str | None, quantity: str
) -> None:
    play(sized(method, value, cap), "100.25")
    assert entered() == D(quantity)


def test_a_volatility_target_lets_one_true_range_move_its_part_of_the_equity() -> None:
    deployment = sized(SizingMethod.VOLATILITY_TARGET, "0.01")
    play(deployment, *CALM, "100.25")
    newest = bars_of("0", first=len(CALM))[0].open_at
    measured = measures_for(
        deployment=deployment, instrument=instrument_of(deployment), until=newest
    ).average_true_range
    # 19 ranges of 1 and one of 0.75, by Wilder's average over 14
    assert measured is not None
    assert measured == pytest.approx(D(1) - D("0.25") / 14, abs=D("0.000001"))
    assert entered() == (100 / measured).quantize(D("0.001"), rounding="ROUND_FLOOR")


def test_a_volatility_target_is_capped_where_the_market_is_quiet() -> None:
    play(sized(SizingMethod.VOLATILITY_TARGET, "0.01", "0.5"), *CALM, "100.25")
    assert entered() == D("49.875")  # 5000 / 100.25


def test_a_volatility_target_waits_for_bars_and_says_so() -> None:
    deployment = sized(SizingMethod.VOLATILITY_TARGET, "0.01")
    play(deployment, "100.00", "100.25")
    check, reason = refusal()
    assert check == "sizing"
    assert "wait for more bars" in reason
    assert statuses(deployment) == []


def trades(count: int) -> list[str]:
    """Closes of round trips, two won (+2.5) for each one lost (-2.5)."""
    closes: list[str] = []
    for number in range(count):
        leave = "97.75" if number % 3 == 2 else "102.75"
        closes += ["100.25", leave]
    return closes


def test_a_kelly_stake_needs_thirty_closed_trades() -> None:
    deployment = sized(SizingMethod.FRACTIONAL_KELLY, "0.25", "0.2")
    play(deployment, "100.25")
    check, reason = refusal()
    assert check == "sizing"
    assert "needs 30 closed trades" in reason
    assert "there are 0" in reason
    assert statuses(deployment) == []


def test_a_kelly_stake_follows_from_the_deployments_own_trades_up_to_the_cap() -> None:
    deployment = sized(SizingMethod.FIXED_QUANTITY, "1")
    play(deployment, *trades(30), "100.00")
    Deployment.objects.update(
        sizing_method=SizingMethod.FRACTIONAL_KELLY,
        sizing_value=D("0.25"),
        sizing_cap_ratio=D("0.5"),
    )
    edge = deployment_edge(deployment=deployment)
    assert [edge.trades, round(edge.win_rate, 9)] == [30, round(D(2) / 3, 9)]
    play(deployment, "100.25", first=61)
    decision = RiskDecision.objects.latest("pk")
    equity = D(decision.context["equity"])
    fraction = edge.win_rate - (1 - edge.win_rate) / edge.payoff
    stake = D("0.25") * fraction * equity / D("100.25")
    assert entered() == stake.quantize(D("0.001"), rounding="ROUND_FLOOR")
    assert 0 < entered() * D("100.25") < equity / 2
    Deployment.objects.update(sizing_value=D(1), sizing_cap_ratio=D("0.02"))
    play(deployment, "100.75", "100.00", "100.25", first=62)
    equity = D(RiskDecision.objects.latest("pk").context["equity"])
    capped = D("0.02") * equity / D("100.25")
    assert entered() == capped.quantize(D("0.001"), rounding="ROUND_FLOOR")


def test_less_than_a_lot_is_refused_in_words_that_say_what_a_lot_takes() -> None:
    deployment = sized(SizingMethod.FIXED_NOTIONAL, "0.1")
    play(deployment, "100.25")
    check, reason = refusal()
    assert check == "sizing"
    assert "0.1 is staked and a lot takes 0.10025; raise the sizing value" in reason
    assert statuses(deployment) == []


def test_a_refused_size_does_not_keep_a_position_from_being_left() -> None:
    deployment = sized(SizingMethod.FIXED_QUANTITY, "1")
    play(deployment, "100.25", "101.00")
    Deployment.objects.update(
        sizing_method=SizingMethod.FRACTIONAL_KELLY, sizing_cap_ratio=D("0.1")
    )
    play(deployment, "101.75", "101.00", first=2)
    assert statuses(deployment)[-1] == ("EXIT", "SELL", "FILLED")


def test_a_kelly_stake_without_a_cap_is_refused_when_it_is_set_up() -> None:
    with pytest.raises(DeploymentRefused, match="needs a cap"):
        sized(SizingMethod.FRACTIONAL_KELLY, "0.25", start=START)


@pytest.mark.parametrize("dust", ["0.0004", "-0.0004"])
def test_less_than_a_lot_can_be_neither_left_nor_counted(dust: str) -> None:
    deployment = sized(SizingMethod.FIXED_QUANTITY, "1.5")
    PositionFactory(
        deployment=deployment,
        account=deployment.account,
        instrument=instrument_of(deployment),
        quantity=D(dust),
        average_entry_price=D(100),
    )
    play(deployment, "100.50")  # short
    rows = Order.objects.values_list("role", "side", "quantity")
    assert list(rows) == [("ENTRY", "SELL", D("1.5"))]
