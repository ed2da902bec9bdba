"""What keeps a deployment from trading, and that nothing else is written then."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Broker
from apps.execution.models import DeploymentLease
from apps.execution.runner import TickResult
from apps.execution.services.sweeps import deployment_ids_due
from apps.orders.models import Order
from apps.positions.models import Position
from apps.risk.models import LimitKind, RiskDecision, TradingStateValue
from apps.risk.services import trading_state_set
from apps.strategies.models import Deployment, DeploymentState
from tests.execution.chain import (
    account_open,
    bars_of,
    bars_seen,
    bars_store,
    deployment_running,
    play,
    reconcile,
    records,
    statuses,
    tick,
)
from tests.factories.execution import DeskStartFactory
from tests.factories.risk import RiskLimitFactory

pytestmark = pytest.mark.django_db

DENIED = {"Signal": 1, "RiskDecision": 1}
"""What a denial leaves behind: what was wanted, and why it was refused."""


def growth(before: dict[str, int]) -> dict[str, int]:
    return {name: count - before[name] for name, count in records().items() if count > before[name]}


def failed(deployment: Deployment) -> str:
    """Return why it failed."""
    deployment.refresh_from_db()
    assert deployment.state == DeploymentState.FAILED
    assert deployment.pk not in deployment_ids_due(moment=timezone.now())
    assert not DeploymentLease.objects.exclude(holder="").exists()
    return deployment.state_reason


@pytest.mark.parametrize("scope", ["desk", "account", "deployment"])
def test_halted_trading_sends_nothing_and_the_bar_is_done(scope: str) -> None:
    deployment = deployment_running()
    trading_state_set(
        account=deployment.account if scope == "account" else None,
        deployment=deployment if scope == "deployment" else None,
        state=TradingStateValue.HALTED,
        actor=None,
        reason="a drill",
    )
    before = records()
    assert play(deployment, "100.25") is TickResult.DONE
    assert growth(before) == DENIED
    decision = RiskDecision.objects.get()
    assert decision.check_name == "trading_state"
    assert "a drill" in decision.reason


def test_reducing_trading_lets_positions_end_and_opens_none() -> None:
    deployment = deployment_running()
    play(deployment, "100.25", "101.00")
    trading_state_set(
        account=deployment.account, state=TradingStateValue.REDUCING, actor=None, reason="a drill"
    )
    play(deployment, "101.75", "102.00", "102.25", first=2)
    assert statuses(deployment) == [("ENTRY", "BUY", "FILLED"), ("EXIT", "SELL", "FILLED")]
    assert [row.outcome for row in RiskDecision.objects.order_by("pk")] == [
        *("ALLOWED", "ALLOWED", "DENIED")
    ]


@pytest.mark.parametrize("exits", [{}, {"stop_loss_ratio": 0.05, "take_profit_ratio": 0.1}])
def test_reducing_trading_closes_what_a_strategy_would_turn_and_says_so(
    exits: dict[str, Any],
) -> None:
    deployment = deployment_running(**exits)
    play(deployment, "100.25", "101.00")
    trading_state_set(
        account=deployment.account, state=TradingStateValue.REDUCING, actor=None, reason="a drill"
    )
    play(deployment, "101.50", "102.00", first=2)
    assert [row for row in statuses(deployment) if row[0] in ("ENTRY", "EXIT")] == [
        ("ENTRY", "BUY", "FILLED"),
        ("EXIT", "SELL", "FILLED"),
    ]
    assert Position.objects.get().quantity == 0
    decision = RiskDecision.objects.latest("pk")
    assert (decision.outcome, decision.intent["role"]) == ("ALLOWED", "EXIT")
    (warned,) = decision.warnings
    assert warned["check"] == "trading_state"
    assert warned["reason"].startswith(
        "the position is closed and not turned: trading is REDUCING: account: a drill; "
    )


def test_a_turn_that_a_limit_denies_closes_the_position() -> None:
    deployment = deployment_running()
    play(deployment, "100.25", "101.00")
    RiskLimitFactory(account=deployment.account, kind=LimitKind.ORDER_NOTIONAL, value=150)
    play(deployment, "101.50", "102.00", first=2)
    assert statuses(deployment) == [("ENTRY", "BUY", "FILLED"), ("EXIT", "SELL", "FILLED")]
    assert RiskDecision.objects.latest("pk").warnings[0]["check"] == "order_notional"


def test_a_turn_of_which_not_even_the_exit_passes_is_denied_whole() -> None:
    deployment = deployment_running()
    play(deployment, "100.25", "101.00")
    trading_state_set(
        account=deployment.account, state=TradingStateValue.HALTED, actor=None, reason="a drill"
    )
    before = records()
    play(deployment, "101.50", first=2)
    assert growth(before) == DENIED
    decision = RiskDecision.objects.latest("pk")
    assert (decision.check_name, decision.warnings) == ("trading_state", [])


def test_account_that_is_not_reconciled_since_the_start_does_not_trade() -> None:
    deployment = deployment_running()
    DeskStartFactory()
    before = records()
    assert play(deployment, "100.25") is TickResult.DONE
    assert growth(before) == DENIED
    assert RiskDecision.objects.get().check_name == "reconciled"
    reconcile(deployment.account)
    play(deployment, "100.25", first=1)
    assert statuses(deployment) == [("ENTRY", "BUY", "NEW")]


def test_strategy_that_raises_fails_its_deployment_with_the_reason() -> None:
    deployment = deployment_running()
    before = records()
    assert play(deployment, "100.00", "100.66", "100.25") is TickResult.IDLE
    assert "ZeroDivisionError: a close of .66 breaks it" in failed(deployment)
    assert growth(before) == {"AuditEvent": 1}
    assert tick(deployment) is TickResult.IDLE
    assert growth(before) == {"AuditEvent": 1}


def test_bars_before_the_fault_are_not_dealt_with_again() -> None:
    deployment = deployment_running()
    play(deployment, "100.25", "101.00", "101.00", "100.66")
    assert bars_seen(deployment) == 3
    assert statuses(deployment) == [("ENTRY", "BUY", "FILLED")]


def test_parameters_that_fit_no_more_fail_the_deployment() -> None:
    deployment = deployment_running()
    Deployment.objects.update(parameters={"stop": 1})
    before = records()
    assert play(deployment, "100.25") is TickResult.IDLE
    assert "stop is not a parameter of this strategy" in failed(deployment)
    assert growth(before) == {"AuditEvent": 1}


@pytest.mark.usefixtures("nothing_serves_angelone")
def test_broker_without_adapter_fails_the_deployment() -> None:
    deployment = deployment_running()
    type(deployment.account).objects.update(broker=Broker.ANGELONE)
    before = records()
    assert play(deployment, "100.25") is TickResult.IDLE
    assert "which this version cannot trade" in failed(deployment)
    assert growth(before) == {"AuditEvent": 1}


def test_size_below_one_lot_is_denied_with_its_reason() -> None:
    deployment = deployment_running()
    Deployment.objects.update(sizing_method="FIXED_NOTIONAL", sizing_value="0.05")
    before = records()
    assert play(deployment, "100.25") is TickResult.DONE
    assert growth(before) == DENIED
    decision = RiskDecision.objects.get()
    assert decision.check_name == "sizing"
    assert "buys less than one lot" in decision.reason


def test_deployment_that_another_worker_runs_is_left_alone() -> None:
    deployment = deployment_running()
    bars_store(deployment, bars_of("100.25"))
    DeploymentLease.objects.create(
        deployment=deployment,
        epoch=7,
        holder="other",
        expires_at=timezone.now() + timedelta(minutes=1),
    )
    before = records()
    assert tick(deployment) is TickResult.IDLE
    assert records() == before
    assert (bars_seen(deployment), DeploymentLease.objects.get().epoch) == (0, 7)


def test_account_without_a_book_waits_and_decides_nothing() -> None:
    deployment = deployment_running(account=account_open())
    bars_store(deployment, bars_of("100.25"))
    deployment.account.paper_book.delete()
    before = records()
    assert tick(deployment) is TickResult.WAITING
    assert records() == before
    assert not Order.objects.exists()
