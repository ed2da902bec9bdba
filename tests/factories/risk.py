"""Rows of apps.risk."""

from decimal import Decimal

import factory

from apps.risk.models import (
    KillSwitch,
    LimitKind,
    RiskDecision,
    RiskLimit,
    ThrottleTrip,
    TradingState,
    TradingStateValue,
)
from tests.factories.accounts import TradingAccountFactory
from tests.factories.base import RowFactory
from tests.factories.strategies import DeploymentFactory, SignalFactory


class TradingStateFactory(RowFactory[TradingState]):
    class Meta:
        model = TradingState

    account = factory.SubFactory(TradingAccountFactory)
    state = TradingStateValue.ACTIVE


class RiskLimitFactory(RowFactory[RiskLimit]):
    class Meta:
        model = RiskLimit

    account = factory.SubFactory(TradingAccountFactory)
    kind = LimitKind.ORDER_NOTIONAL
    value = Decimal(10_000)


class RiskDecisionFactory(RowFactory[RiskDecision]):
    class Meta:
        model = RiskDecision

    signal = factory.SubFactory(SignalFactory)
    deployment = factory.SelfAttribute("signal.deployment")
    account = factory.SelfAttribute("signal.deployment.account")
    instrument = factory.SelfAttribute("signal.instrument")
    outcome = RiskDecision.Outcome.ALLOWED
    intent = factory.LazyFunction(lambda: {"side": "BUY", "quantity": "1"})
    context = factory.LazyFunction(lambda: {"trading_state": "ACTIVE", "equity": "10000"})


class KillSwitchFactory(RowFactory[KillSwitch]):
    class Meta:
        model = KillSwitch

    account = factory.SubFactory(TradingAccountFactory)
    reason = "a drill"
    is_drill = True


class ThrottleTripFactory(RowFactory[ThrottleTrip]):
    class Meta:
        model = ThrottleTrip

    deployment = factory.SubFactory(DeploymentFactory)
    reason = "too many executions"
