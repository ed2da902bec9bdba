"""Rows of apps.strategies."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import factory

from apps.marketdata.models import Instrument
from apps.strategies.models import (
    Deployment,
    DeploymentClosing,
    DeploymentState,
    Signal,
    SizingMethod,
    StrategyVersion,
)
from tests.factories.accounts import TradingAccountFactory
from tests.factories.base import RowFactory
from tests.factories.marketdata import InstrumentFactory

START = datetime(2024, 1, 1, tzinfo=UTC)


class StrategyVersionFactory(RowFactory[StrategyVersion]):
    class Meta:
        model = StrategyVersion

    name = "moving_average_cross"
    location = "apps.strategies.library.moving_average_cross"
    source_sha256 = factory.Sequence(lambda n: f"{n:064x}")
    source = "class MovingAverageCross: ..."
    parameters_schema = factory.LazyFunction(lambda: {"type": "object"})


class DeploymentFactory(RowFactory[Deployment]):
    """Pass ``instruments=[...]`` to say what it trades; by default nothing."""

    class Meta:
        model = Deployment
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"deployment-{n}")
    version = factory.SubFactory(StrategyVersionFactory)
    account = factory.SubFactory(TradingAccountFactory)
    timeframe = "5m"
    parameters = factory.LazyFunction(dict)
    sizing_method = SizingMethod.FIXED_QUANTITY
    sizing_value = Decimal(1)
    state = DeploymentState.STOPPED.value

    @factory.post_generation
    def instruments(self, create: bool, extracted: Iterable[Instrument] | None) -> None:
        if create and extracted:
            self.instruments.set(extracted)


class DeploymentClosingFactory(RowFactory[DeploymentClosing]):
    class Meta:
        model = DeploymentClosing

    deployment = factory.SubFactory(DeploymentFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    reason = "it was stopped"


class SignalFactory(RowFactory[Signal]):
    class Meta:
        model = Signal

    deployment = factory.SubFactory(DeploymentFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    bar_open_at = factory.Sequence(lambda n: START + n * timedelta(minutes=5))
    as_of = factory.LazyAttribute(lambda signal: signal.bar_open_at + timedelta(minutes=5))
    action = Signal.Action.ENTER_LONG
    reference_price = Decimal(100)
