import pytest

from apps.accounts.models import TradingAccount
from apps.marketdata.models import Instrument
from apps.reconciliation.services import runs
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.reconciliation.broker import ScriptedBroker


@pytest.fixture(autouse=True)
def comparisons_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PAUSE_SECONDS", 0)


@pytest.fixture
def account(db: None) -> TradingAccount:
    return TradingAccountFactory(name="alpha", base_currency="USDT")


@pytest.fixture
def instrument(db: None) -> Instrument:
    return InstrumentFactory(symbol="TEST:BTC.P", kind="PERPETUAL", quote_currency="USDT")


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()
