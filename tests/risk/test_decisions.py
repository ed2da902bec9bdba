"""Each decision is stored with all that it was taken on, once per signal."""

from datetime import UTC, datetime
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction

from apps.risk.domain.types import Denial, LimitValue, OrderIntent, RiskContext
from apps.risk.models import RiskDecision
from apps.risk.services import gate_enter, risk_decide
from apps.strategies.models import Signal
from tests.factories.accounts import TradingAccountFactory
from tests.factories.strategies import SignalFactory

D = Decimal
AS_OF = datetime(2026, 3, 2, 12, tzinfo=UTC)


def an_intent(**changes: Any) -> OrderIntent:
    values: dict[str, Any] = {
        "symbol": "TEST:BTC.P",
        "side": "BUY",
        "quantity": D(2),
        "order_type": "MARKET",
        "limit_price": None,
        "reduce_only": False,
        "role": "ENTRY",
        "opens": True,
    }
    return OrderIntent(**{**values, **changes})


def a_context(**changes: Any) -> RiskContext:
    values: dict[str, Any] = {
        "as_of": AS_OF,
        "trading_state": "ACTIVE",
        "is_frozen": False,
        "freeze_reason": "",
        "is_reconciled": True,
        "instrument_is_tradable": True,
        "reference_price": D("100.5"),
        "multiplier": D(1),
        "tick_size": D("0.1"),
        "lot_size": D(1),
        "minimum_notional": D(5),
        "position_quantity": D(0),
        "account_position_quantity": D(0),
        "orders_last_second": 0,
        "equity": D(1000),
        "equity_at_day_start": D(1000),
        "limits": (
            LimitValue(
                kind="ORDER_NOTIONAL", value=D(150), version=4, scope="account", limit_id=17
            ),
        ),
    }
    return RiskContext(**{**values, **changes})


def decide(signal: Signal | None, **changes: Any) -> RiskDecision:
    source = signal or SignalFactory()
    values: dict[str, Any] = {
        "account": source.deployment.account,
        "deployment": source.deployment,
        "signal": signal,
        "instrument": source.instrument,
        "intent": an_intent(),
        "context": a_context(),
    }
    return risk_decide(**{**values, **changes})


@pytest.mark.django_db
def test_decision_keeps_intent_and_snapshot_with_the_versions_of_the_limits() -> None:
    decision = decide(SignalFactory())
    decision.refresh_from_db()
    assert (decision.outcome, decision.check_name) == ("DENIED", "order_notional")
    assert decision.reason == "order notional 201 is above 150 (account limit, version 4)"
    assert decision.decided_at == AS_OF
    assert decision.intent["quantity"] == "2"
    assert decision.context["reference_price"] == "100.5"
    assert decision.context["as_of"] == AS_OF.isoformat()
    [limit] = decision.context["limits"]
    assert (limit["value"], limit["version"], limit["scope"], limit["limit_id"]) == (
        "150",
        4,
        "account",
        17,
    )
    assert str(decision) == f"DENIED {decision.reason}"


@pytest.mark.django_db
def test_signal_is_decided_once_on_its_first_snapshot() -> None:
    signal = SignalFactory()
    first = decide(signal, context=a_context(limits=()))
    again = decide(signal, context=a_context(trading_state="HALTED"))
    assert again == first
    assert (again.outcome, RiskDecision.objects.count()) == ("ALLOWED", 1)


@pytest.mark.django_db
def test_order_by_hand_is_decided_each_time() -> None:
    assert decide(None) != decide(None)
    assert RiskDecision.objects.count() == 2


@pytest.mark.django_db
def test_refusal_from_before_the_gate_is_kept_as_a_denial() -> None:
    decision = decide(
        SignalFactory(),
        context=a_context(limits=()),
        refusal=Denial(check="sizing", reason="r" * 500),
    )
    assert (decision.outcome, decision.check_name) == ("DENIED", "sizing")
    assert decision.reason == "r" * 400


@pytest.mark.django_db(transaction=True)
def test_second_worker_waits_at_the_gate_until_the_first_has_committed() -> None:
    account = TradingAccountFactory()
    passed: list[str] = []

    def second() -> None:
        try:
            with transaction.atomic():
                gate_enter(account=account)
                passed.append("second")
        finally:
            connection.close()

    thread = Thread(target=second)
    with transaction.atomic():
        gate_enter(account=account)
        thread.start()
        thread.join(timeout=1)
        assert passed == []
        passed.append("first")
    thread.join(timeout=20)
    assert passed == ["first", "second"]


@pytest.mark.django_db(transaction=True)
def test_gates_of_two_accounts_do_not_wait_for_each_other() -> None:
    account, other = TradingAccountFactory(), TradingAccountFactory()
    passed: list[str] = []

    def second() -> None:
        try:
            with transaction.atomic():
                gate_enter(account=other)
                passed.append("second")
        finally:
            connection.close()

    thread = Thread(target=second)
    with transaction.atomic():
        gate_enter(account=account)
        thread.start()
        thread.join(timeout=20)
        assert passed == ["second"]


@pytest.mark.django_db(transaction=True)
def test_gate_outside_a_transaction_is_a_fault() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        gate_enter(account=TradingAccountFactory())
