"""What an account's free margin carries, positions and working orders counted."""

from decimal import Decimal

import pytest

from apps.orders.models import Order
from apps.positions.models import NetPosition
from apps.risk.models import RiskDecision
from apps.strategies.models import Deployment
from tests.execution.chain import START, account_open, deployment_running, play
from tests.factories.marketdata import InstrumentFactory

pytestmark = pytest.mark.django_db
D = Decimal


def margined(size: str, ratio: str = "0.2") -> Deployment:
    """A deployment on an account of 10,000, on margin; its entry is at 100.25."""
    instrument = InstrumentFactory(lot_size=D("0.001"), initial_margin_ratio=D(ratio))
    return deployment_running(account=account_open(), instruments=[instrument], size=size)


@pytest.mark.parametrize(("size", "outcome"), [("498", "ALLOWED"), ("499", "DENIED")])
def test_an_entry_needs_its_initial_margin(size: str, outcome: str) -> None:
    play(margined(size), "100.25")  # 499 * 100.25 * 0.2 = 10,004.95
    decision = RiskDecision.objects.get()
    assert (decision.outcome, decision.check_name) == (
        outcome,
        "" if outcome == "ALLOWED" else "margin",
    )
    assert Order.objects.exists() is (outcome == "ALLOWED")


def test_what_is_held_ties_its_margin_up() -> None:
    deployment = margined("150")  # 150 * 100.25 * 0.2 = 3,007.50
    NetPosition.objects.create(
        account=deployment.account,
        instrument=InstrumentFactory(initial_margin_ratio=D("0.2")),
        quantity=D(-400),
        average_entry_price=D(100),
        updated_at=START,
    )
    play(deployment, "100.25")
    decision = RiskDecision.objects.get()
    assert (decision.outcome, decision.check_name) == ("DENIED", "margin")
    assert decision.context["margin_available"] == "2000"


def test_at_full_price_no_margin_is_asked_for() -> None:
    play(margined("150", ratio="1"), "100.25")
    assert RiskDecision.objects.get().context["margin_available"] is None
