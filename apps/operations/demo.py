"""Makes a desk that a newcomer can watch trading within a minute, from a seed and no one's data."""

import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from apps.accounts.models import Authenticator, Broker, TradingAccount, User
from apps.accounts.services import account_create, membership_add
from apps.brokers.services import paper_book_open
from apps.core.clock import now
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.models import Feed, FeedState
from apps.marketdata.services import (
    feed_advance,
    feed_create,
    feed_start,
    instrument_ensure,
)
from apps.positions.services import deposit_book
from apps.risk.models import LimitKind
from apps.risk.services import limit_set
from apps.strategies.loading import strategy_load
from apps.strategies.models import Deployment, DeploymentState, SizingMethod
from apps.strategies.services import (
    deployment_create,
    deployment_start,
    strategy_version_record,
)

ACCOUNT = "demo-paper"
CASH = Decimal(100_000)
TIMEFRAME = Timeframe.M5
WARMUP_BARS = 700
BARS_PER_SECOND = 4.0
START_AT = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoDeployment:
    """One line of the demonstration: a strategy on a generated market."""

    strategy: str
    symbol: str
    seed: int
    initial_price: Decimal
    parameters: dict[str, Any]


DEPLOYMENTS = (
    DemoDeployment(
        strategy="moving_average_cross",
        symbol="DEMO:AURUM.P",
        seed=11,
        initial_price=Decimal(2400),
        parameters={"fast": 5, "slow": 13},
    ),
    DemoDeployment(
        strategy="bollinger_rsi",
        symbol="DEMO:BOREA.P",
        seed=23,
        initial_price=Decimal(180),
        parameters={},
    ),
)

PEOPLE = (
    ("trader@demo.local", "Tara Trader", "trader", False),
    ("risk@demo.local", "Rita Risk", "risk", True),
    ("compliance@demo.local", "Colin Compliance", "compliance", True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """How to sign in as one of the demonstration's people.

    Attributes:
        totp_secret: For an authenticator, in base 32.
    """

    email: str
    password: str
    totp_secret: str
    role: str


@transaction.atomic
def demo_seed() -> list[DemoPerson]:
    """Create the demonstration, or bring its people's passwords up anew; running twice is safe.

    Returns:
        The people with fresh passwords.
    """
    people = [
        _person_ensure(email=email, full_name=name, role=role, may_open_admin=may_open_admin)
        for email, name, role, may_open_admin in PEOPLE
    ]
    account = _account_ensure()
    for line in DEPLOYMENTS:
        _line_ensure(account, line)
    return people


def _person_ensure(*, email: str, full_name: str, role: str, may_open_admin: bool) -> DemoPerson:
    password = secrets.token_urlsafe(12)
    user = User.objects.filter(email=email).first() or User(email=email, full_name=full_name)
    user.is_staff = may_open_admin
    user.set_password(password)
    user.save()
    user.groups.add(Group.objects.get(name=role))
    device, _ = Authenticator.objects.get_or_create(
        user=user, confirmed=True, defaults={"name": "Authenticator"}
    )
    return DemoPerson(
        email=email,
        password=password,
        totp_secret=_base32(device),
        role=role,
    )


def _base32(device: Authenticator) -> str:
    return b32encode(device.bin_key).decode()


def _account_ensure() -> TradingAccount:
    account = TradingAccount.objects.filter(name=ACCOUNT).first()
    if account is not None:
        return account
    account = account_create(name=ACCOUNT, broker=Broker.PAPER, base_currency="USDT")
    paper_book_open(account=account, cash=CASH, slippage_bps=Decimal(1))
    deposit_book(
        account=account,
        amount=CASH,
        currency="USDT",
        source_id="demo",
        occurred_at=START_AT,
        description="Paper money to start with",
    )
    for kind, value in (
        (LimitKind.ORDER_NOTIONAL, Decimal(50_000)),
        (LimitKind.POSITION_NOTIONAL, Decimal(60_000)),
        (LimitKind.ORDERS_PER_SECOND, Decimal(10)),
        (LimitKind.DAILY_LOSS, Decimal(20_000)),
    ):
        limit_set(account=account, kind=kind, value=value, actor=None, reason="demonstration")
    for user in User.objects.filter(email__in=[row[0] for row in PEOPLE]):
        membership_add(account=account, user=user)
    return account


def _line_ensure(account: TradingAccount, line: DemoDeployment) -> None:
    name = f"demo-{line.strategy.replace('_', '-')}"
    instrument = instrument_ensure(symbol=line.symbol)
    feed = Feed.objects.filter(name=name).first()
    if feed is None:
        feed = feed_create(
            name=name,
            source=Feed.Source.GENERATED,
            instrument=instrument,
            timeframe=TIMEFRAME.value,
            configuration={"seed": line.seed, "initial_price": str(line.initial_price)},
            bars_per_second=BARS_PER_SECOND,
            start_at=START_AT,
        )
        feed_advance(feed=feed, count=WARMUP_BARS)
    if feed.state != FeedState.RUNNING:
        feed_start(feed=feed, actor=None)
    deployment = Deployment.objects.filter(name=name).first()
    if deployment is None:
        deployment = deployment_create(
            name=name,
            version=strategy_version_record(loaded=strategy_load(line.strategy)),
            account=account,
            instruments=[instrument],
            timeframe=TIMEFRAME.value,
            parameters=line.parameters,
            sizing_method=SizingMethod.FIXED_NOTIONAL,
            sizing_value=Decimal(5_000),
        )
    if deployment.state == DeploymentState.DRAFT:
        deployment_start(deployment=deployment, reason=f"demonstration at {now():%H:%M} UTC")
