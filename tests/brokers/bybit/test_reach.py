"""What is read of an account at Bybit follows from the desk's instruments, true to type or not."""

import pytest

from apps.brokers.bybit.reach import reach_of
from apps.execution.services.streaming import followed_list
from apps.strategies.models import DeploymentState
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.strategies import DeploymentFactory

pytestmark = pytest.mark.django_db

MISTYPED = ("BTCUSDT", "BYBIT:btcusdt", "BYBIT:BTCUSDT.ADJ")


@pytest.mark.parametrize("symbol", MISTYPED)
def test_mistyped_instrument_keeps_no_account_from_being_read(
    symbol: str, caplog: pytest.LogCaptureFixture
) -> None:
    account = TradingAccountFactory(broker="BYBIT", mode="TEST", base_currency="USDT")
    InstrumentFactory(symbol=symbol, venue="BYBIT", kind="SPOT")
    InstrumentFactory(symbol="BYBIT:ETHUSDT", venue="BYBIT", kind="SPOT")
    InstrumentFactory(symbol="BYBIT:BTCPERP.P", venue="BYBIT", kind="PERPETUAL")
    reach = reach_of(account)
    assert reach.settle_coins == ("USDC", "USDT")
    assert list(reach.spot) == ["ETH"]
    assert f"{symbol} is not traded at Bybit" in caplog.text


@pytest.mark.parametrize("symbol", MISTYPED)
def test_mistyped_instrument_keeps_no_market_from_being_followed(symbol: str) -> None:
    deployment = DeploymentFactory(timeframe="1m", state=DeploymentState.RUNNING)
    instruments = [
        InstrumentFactory(symbol=each, venue="BYBIT", kind="PERPETUAL")
        for each in (symbol, "BYBIT:BTCUSDT.P")
    ]
    deployment.instruments.set(instruments)
    found = followed_list()
    assert [each.instrument for each in found["linear"]] == instruments[1:]
    assert found["spot"] == []
