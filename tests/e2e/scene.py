"""A desk in the middle of a day, as its people would meet it."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.accounts.models import Authenticator, TradingAccount, User
from apps.accounts.roles import Role
from apps.orders.models import Order
from apps.reconciliation.models import Break
from apps.strategies.loading import strategy_load
from apps.strategies.models import Deployment
from apps.strategies.services import strategy_version_record
from tests.factories.accounts import TOTPDeviceFactory, TradingAccountFactory
from tests.factories.marketdata import CandleFactory, InstrumentFactory
from tests.factories.orders import (
    FillFactory,
    OrderEventFactory,
    OrderFactory,
    SignalOrderFactory,
)
from tests.factories.positions import EquitySnapshotFactory, PositionFactory
from tests.factories.reconciliation import BreakFactory, ReconciliationRunFactory
from tests.factories.risk import RiskDecisionFactory
from tests.factories.strategies import DeploymentFactory, SignalFactory
from tests.sessions import person

START = datetime(2026, 1, 5, tzinfo=UTC)
BAR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Whom and what a test may turn to."""

    trader: User
    officer: User
    account: TradingAccount
    deployment: Deployment
    filled: Order
    working: Order
    rejected: Order
    found: Break

    def device_of(self, user: User) -> Authenticator:
        return Authenticator.objects.get(user=user)


def scene_make() -> Scene:
    account = TradingAccountFactory(name="demo-paper")
    TradingAccountFactory(name="second-paper")
    trader = person(Role.TRADER, member_of=(account,), email="tara.trader@desk.example")
    officer = person(Role.COMPLIANCE, Role.RISK, email="colin@desk.example", is_staff=True)
    for user in (trader, officer):
        TOTPDeviceFactory(user=user)
    deployment = _deployment(account, "demo-moving-average-cross", "moving_average_cross", "BTC")
    _deployment(account, "demo-bollinger-rsi", "bollinger_rsi", "ETH")
    _equity(account)
    found = BreakFactory(account=account)
    ReconciliationRunFactory(account=account, result="BREAKS", breaks_found=1)
    for number in range(70):
        _order(deployment, number)
    return Scene(
        trader=trader,
        officer=officer,
        account=account,
        deployment=deployment,
        filled=_filled_with_exits(deployment),
        working=Order.objects.filter(role="STOP_LOSS").latest("pk"),
        rejected=_rejected(deployment),
        found=found,
    )


def _deployment(account: TradingAccount, name: str, strategy: str, coin: str) -> Deployment:
    instrument = InstrumentFactory(symbol=f"BYBIT:{coin}USDT.P", venue="BYBIT")
    deployment = DeploymentFactory(
        name=name,
        account=account,
        version=strategy_version_record(loaded=strategy_load(strategy)),
        parameters={"fast": 5, "slow": 13} if strategy == "moving_average_cross" else {},
        instruments=[instrument],
    )
    PositionFactory(
        deployment=deployment,
        instrument=instrument,
        quantity=Decimal("0.317") if coin == "BTC" else Decimal("-12.5"),
        average_entry_price=Decimal("62481.0333333333") if coin == "BTC" else Decimal("3120.4"),
        realized_pnl=Decimal("-41.2"),
    )
    price = Decimal("63012.4") if coin == "BTC" else Decimal("3188.05")
    CandleFactory(
        instrument=instrument, open=price, high=price, low=price, close=price, open_at=START
    )
    return deployment


def _equity(account: TradingAccount) -> None:
    for number in range(240):
        cash = Decimal(100_000 + round(900 * math.sin(number / 18) + 11 * number, 2))
        EquitySnapshotFactory(account=account, as_of=START + number * BAR, cash=cash)


def _order(deployment: Deployment, number: int) -> Order:
    status = ("FILLED", "CANCELED", "EXPIRED")[number % 3]
    return OrderFactory(
        account=deployment.account,
        instrument=deployment.instruments.get(),
        deployment=deployment,
        side=("BUY", "SELL")[number % 2],
        quantity=Decimal("0.317"),
        filled_quantity=Decimal("0.317") if status == "FILLED" else 0,
        average_fill_price=Decimal("62481.0333333333") if status == "FILLED" else None,
        order_type=("MARKET", "LIMIT")[number % 2],
        limit_price=Decimal("62480.5") if number % 2 else None,
        status=status,
        decided_at=START + number * BAR,
    )


def _asked(deployment: Deployment, number: int, **fields: object) -> Order:
    instrument = deployment.instruments.get()
    decision = RiskDecisionFactory(
        signal=SignalFactory(
            deployment=deployment,
            instrument=instrument,
            bar_open_at=START + number * BAR,
            reference_price=Decimal("62480.9"),
            stop_loss_ratio=Decimal("0.01"),
            take_profit_ratio=Decimal("0.02"),
        ),
        intent={"side": "BUY", "quantity": "0.317", "order_type": "MARKET", "limit_price": None},
        context={
            "as_of": "2026-01-05T05:50:00+00:00",
            "trading_state": "ACTIVE",
            "reference_price": "62480.9",
            "equity": "100212.33",
            "limits": [
                {"kind": "ORDER_NOTIONAL", "value": "50000", "scope": "account", "version": 1},
                {"kind": "DAILY_LOSS", "value": "20000", "scope": "account", "version": 3},
            ],
        },
    )
    return SignalOrderFactory(
        risk_decision=decision,
        quantity=Decimal("0.317"),
        decided_at=START + (number + 1) * BAR,
        **fields,
    )


def _filled_with_exits(deployment: Deployment) -> Order:
    order = _asked(
        deployment,
        71,
        status="FILLED",
        filled_quantity=Decimal("0.317"),
        average_fill_price=Decimal("62481.0333333333"),
        sent_at=START + 72 * BAR,
        closed_at=START + 72 * BAR,
        venue_order_id="1f0c9b1e-1e7a-4d21-9a3c-9e1e6a7d4f10",
    )
    steps: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("order.intended", "", "INTENT", {}),
        ("order.claimed", "INTENT", "SENDING", {"epoch": 4}),
        ("order.acknowledged", "SENDING", "NEW", {"venue_order_id": order.venue_order_id}),
        ("order.filled", "NEW", "PARTIALLY_FILLED", {"trade_id": "T1", "price": "62480.9"}),
        ("order.filled", "PARTIALLY_FILLED", "FILLED", {"trade_id": "T2", "price": "62481.3"}),
    )
    for number, (kind, before, after, details) in enumerate(steps, start=1):
        OrderEventFactory(
            order=order,
            sequence=number,
            kind=kind,
            status_before=before,
            status_after=after,
            details=details,
        )
    for quantity, price in (("0.211", "62480.9"), ("0.106", "62481.3")):
        FillFactory(
            order=order,
            quantity=Decimal(quantity),
            price=Decimal(price),
            commission=Decimal("7.9100819400"),
        )
    for role, order_type, level in (
        ("STOP_LOSS", "STOP", "61856.2"),
        ("TAKE_PROFIT", "LIMIT", "63730.7"),
    ):
        OrderFactory(
            account=order.account,
            instrument=order.instrument,
            deployment=deployment,
            parent=order,
            role=role,
            side="SELL",
            order_type=order_type,
            status="NEW",
            quantity=Decimal("0.317"),
            decided_at=order.decided_at,
            reduce_only=True,
            **{"stop_price" if order_type == "STOP" else "limit_price": Decimal(level)},
        )
    return order


def _rejected(deployment: Deployment) -> Order:
    return _asked(
        deployment,
        72,
        status="REJECTED",
        status_reason="110007: the available balance is not enough for an order of this size",
    )
