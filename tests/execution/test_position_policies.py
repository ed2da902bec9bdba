"""What a deployment does with an open position on pause, stop, restart, halt and delisting."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.clock import wall_now
from apps.core.models import AuditEvent
from apps.execution.runner import TickResult
from apps.execution.services.closing import policies_sweep
from apps.execution.services.sweeps import deployment_ids_due
from apps.marketdata.models import Instrument
from apps.risk.models import TradingStateValue
from apps.risk.services import trading_state_set
from apps.strategies.models import Deployment, DeploymentClosing
from apps.strategies.services import (
    deployment_fail,
    deployment_pause,
    deployment_resume,
    deployment_start,
    deployment_stop,
)
from tests.execution.chain import deployment_running, instrument_of, play, statuses, tick
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
D = Decimal
CLOSE = "CLOSE"
STOPPED_OUT: dict[str, Any] = {"stop_loss_ratio": 0.1}


@pytest.fixture
def officer() -> User:
    return UserFactory()


def held(deployment: Deployment) -> Decimal:
    position = deployment.positions.get()
    return Decimal(position.quantity)


def long(**settings: Any) -> Deployment:
    """A deployment on paper that holds one unit, with its stop at work."""
    deployment = deployment_running(settings=settings, **STOPPED_OUT)
    play(deployment, "100.25", "101.00")
    assert held(deployment) == 1
    return deployment


def halt(deployment: Deployment, officer: User, state: str = TradingStateValue.HALTED) -> None:
    trading_state_set(
        account=deployment.account, state=state, actor=officer, reason="news from the venue"
    )


def delist(deployment: Deployment) -> None:
    Instrument.objects.update(is_tradable=False)


STEPS: dict[str, Callable[[Deployment], object]] = {
    "on_pause": lambda deployment: deployment_pause(deployment=deployment),
    "on_stop": lambda deployment: deployment_stop(deployment=deployment),
}


@pytest.mark.parametrize("policy", STEPS)
def test_keep_leaves_the_position_to_its_exits(policy: str) -> None:
    deployment = long(**{policy: "KEEP"})
    STEPS[policy](deployment)
    tick(deployment)
    assert held(deployment) == 1
    assert statuses(deployment) == [("ENTRY", "BUY", "FILLED"), ("STOP_LOSS", "SELL", "NEW")]
    assert not DeploymentClosing.objects.exists()
    assert deployment_ids_due(moment=wall_now()) == []


@pytest.mark.parametrize("policy", STEPS)
def test_close_takes_the_exits_back_and_closes_the_position(policy: str) -> None:
    deployment = long(**{policy: CLOSE})
    STEPS[policy](deployment)
    assert deployment_ids_due(moment=wall_now()) == [deployment.pk]
    tick(deployment)
    assert statuses(deployment) == [
        ("ENTRY", "BUY", "FILLED"),
        ("STOP_LOSS", "SELL", "CANCELED"),
        ("EXIT", "SELL", "NEW"),
    ]


def test_a_deployment_that_fails_follows_its_policy_on_stop() -> None:
    deployment = long(on_stop=CLOSE)
    deployment_fail(deployment=deployment, reason="a bug")
    assert DeploymentClosing.objects.get().reason == "it was failed"
    tick(deployment)
    assert statuses(deployment)[-1] == ("EXIT", "SELL", "NEW")


@pytest.mark.parametrize("policy", STEPS)
def test_whatever_the_policy_an_entry_that_waits_is_taken_back(policy: str) -> None:
    deployment = deployment_running(**STOPPED_OUT)
    play(deployment, "100.35")
    STEPS[policy](deployment)
    assert deployment_ids_due(moment=wall_now()) == [deployment.pk]
    assert tick(deployment) is TickResult.DONE
    assert statuses(deployment) == [("ENTRY", "BUY", "CANCELED"), ("STOP_LOSS", "SELL", "CANCELED")]


def test_a_position_is_closed_before_a_resumed_deployment_goes_on() -> None:
    deployment = long(on_pause=CLOSE)
    deployment_pause(deployment=deployment)
    deployment_resume(deployment=deployment)
    play(deployment, "101.25", "101.00", "102.25", "102.00", first=2)
    assert [row[:2] for row in statuses(deployment)] == [
        ("ENTRY", "BUY"),
        ("STOP_LOSS", "SELL"),
        ("EXIT", "SELL"),
        ("ENTRY", "BUY"),
        ("STOP_LOSS", "SELL"),
    ]
    assert DeploymentClosing.objects.exclude(done_at=None).count() == 1
    assert held(deployment) == 1


def test_a_restart_goes_on_with_what_is_held() -> None:
    deployment = long(on_stop="KEEP")
    deployment_stop(deployment=deployment)
    tick(deployment)
    deployment_start(deployment=deployment)
    tick(deployment)
    play(deployment, "101.75", "101.00", first=2)
    tick(deployment)
    play(deployment, "101.75", "101.00", first=4)
    assert statuses(deployment)[-1] == ("EXIT", "SELL", "FILLED")
    assert held(deployment) == 0


def test_a_halt_keeps_the_position_unless_the_policy_says_otherwise(officer: User) -> None:
    deployment = long()
    halt(deployment, officer)
    policies_sweep()
    play(deployment, "101.00", first=2)
    assert held(deployment) == 1
    assert not DeploymentClosing.objects.exists()


def test_a_halted_position_is_closed_once_orders_may_be_sent_again(officer: User) -> None:
    deployment = long(on_halt=CLOSE)
    halt(deployment, officer)
    policies_sweep()
    closing = DeploymentClosing.objects.get()
    assert "news from the venue" in closing.reason
    play(deployment, "101.00", "101.00", first=2)
    assert statuses(deployment)[1:] == [("STOP_LOSS", "SELL", "NEW")]
    halt(deployment, officer, TradingStateValue.REDUCING)
    play(deployment, "101.00", "101.00", first=4)
    tick(deployment)
    assert statuses(deployment)[-1] == ("EXIT", "SELL", "FILLED")
    assert held(deployment) == 0
    closing.refresh_from_db()
    assert closing.done_at is not None


def test_a_closing_that_the_gate_holds_up_is_told_once_and_leaves_the_exits(
    officer: User,
) -> None:
    deployment = long(on_halt=CLOSE)
    halt(deployment, officer)
    before = deployment.risk_decisions.count()
    play(deployment, "101.00", "101.00", "101.00", first=2)
    for _ in range(3):
        tick(deployment)
    assert deployment.risk_decisions.count() == before + 1
    assert DeploymentClosing.objects.get().waits_for == "trading_state"
    assert statuses(deployment)[-1] == ("STOP_LOSS", "SELL", "NEW")
    assert AuditEvent.objects.filter(action="deployment.closing_requested").count() == 1


@pytest.mark.parametrize(("policy", "left"), [("KEEP", 1), (CLOSE, 0)])
def test_a_delisted_instrument_is_left_by_the_policy(policy: str, left: int) -> None:
    deployment = long(on_delisting=policy)
    delist(deployment)
    play(deployment, "101.00", "101.00", "101.25", first=2)
    assert held(deployment) == left
    assert [row[0] for row in statuses(deployment)].count("ENTRY") == 1


def test_the_sweep_closes_what_is_delisted_though_no_bar_comes() -> None:
    deployment = long(on_delisting=CLOSE)
    delist(deployment)
    policies_sweep()
    policies_sweep()
    assert DeploymentClosing.objects.count() == 1
    assert deployment_ids_due(moment=wall_now()) == [deployment.pk]
    tick(deployment)
    assert statuses(deployment)[-1] == ("EXIT", "SELL", "NEW")
    assert str(instrument_of(deployment)) in DeploymentClosing.objects.get().reason
