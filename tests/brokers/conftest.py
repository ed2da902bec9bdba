from decimal import Decimal

import pytest

from apps.accounts.models import TradingAccount
from apps.brokers.paper.gateway import PaperGateway
from apps.brokers.services import paper_book_open
from apps.marketdata.models import Instrument
from tests.brokers.builders import Market
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory

D = Decimal


@pytest.fixture
def account(db: None) -> TradingAccount:
    found = TradingAccountFactory(broker="PAPER", mode="PAPER", base_currency="USDT")
    paper_book_open(account=found, cash=D(10_000), fee_bps=D(10), volume_cap_ratio=D(0))
    return found


@pytest.fixture
def instrument(db: None) -> Instrument:
    return InstrumentFactory(
        kind="PERPETUAL", quote_currency="USDT", tick_size=D("0.1"), lot_size=D("0.1")
    )


@pytest.fixture
def gateway(account: TradingAccount) -> PaperGateway:
    return PaperGateway(account)


@pytest.fixture
def market(account: TradingAccount, instrument: Instrument) -> Market:
    return Market(account, instrument)
