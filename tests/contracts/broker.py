"""What a broker has to offer besides its port, so that the contract can be tried on it.

To join, write a class like these and name it in ``BROKERS`` of the conftest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from apps.accounts.models import TradingAccount
from apps.brokers.models import PaperBook
from apps.brokers.paper.gateway import PaperGateway
from apps.brokers.services import market_play, paper_book_open
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import BrokerGateway, OutcomeUnknown
from apps.orders.domain.types import OrderReport, OrderRequest, OrderType, Side, TimeInForce
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.process import LoopbackVenue, loopback_venue

D = Decimal
START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
TICK, LOT = D("0.1"), D("0.1")


class BrokerUnderTest(Protocol):
    """One broker with one account that is flat, and one market that stands at 100.

    The instrument's tick and lot are 0.1.
    """

    @property
    def price_moves_cash(self) -> bool:
        """Whether a trade moves cash by its price (a share), or by results alone (a perpetual)."""
        ...

    @property
    def symbol(self) -> str:
        """The instrument's symbol."""
        ...

    @property
    def currency(self) -> str:
        """The account's currency."""
        ...

    @property
    def gateway(self) -> BrokerGateway:
        """A session of the account; each look at it is a new one."""
        ...

    @property
    def moment(self) -> datetime:
        """Market time: orders are decided now."""
        ...

    def market_trades(self, price: int) -> None:
        """Let the market trade at a price, in any quantity; orders that it reaches fill."""
        ...

    def answer_lose(self) -> None:
        """Lose the answer to the next order after the broker has accepted it."""
        ...

    def cut_off(self) -> None:
        """Let the next read fail."""
        ...


@dataclass
class PaperUnderTest:
    """The paper venue in this process."""

    account: TradingAccount
    instrument: Instrument
    currency: str = "USDT"
    price_moves_cash: bool = False
    bars: int = 0
    loses_next: bool = False

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def gateway(self) -> BrokerGateway:
        if self.loses_next:
            self.loses_next = False
            return _LosingGateway(self.account)
        return PaperGateway(self.account)

    @property
    def moment(self) -> datetime:
        return START + self.bars * STEP

    def market_trades(self, price: int) -> None:
        trade = D(price)
        bar = Bar(
            open_at=self.moment,
            close_at=self.moment + STEP,
            open=trade,
            high=trade,
            low=trade,
            close=trade,
            volume=D(1000),
        )
        market_play(account=self.account, instrument=self.instrument, bar=bar)
        self.bars += 1

    def answer_lose(self) -> None:
        self.loses_next = True

    def cut_off(self) -> None:
        PaperBook.objects.filter(account=self.account).delete()


class _LosingGateway(PaperGateway):
    """Accepts an order and loses the answer, as a wire does that breaks in between."""

    def order_place(self, request: OrderRequest) -> OrderReport:
        super().order_place(request)
        raise OutcomeUnknown("the connection broke before the answer")


@contextmanager
def paper_under_test(_folder: Path) -> Iterator[BrokerUnderTest]:
    """Open a book at the paper venue."""
    account = TradingAccountFactory(broker="PAPER", base_currency="USDT")
    instrument = InstrumentFactory(kind="PERPETUAL", tick_size=TICK, lot_size=LOT)
    paper_book_open(account=account, cash=D(10_000), fee_bps=D(6), volume_cap_ratio=D(0))
    yield PaperUnderTest(account, instrument)


@dataclass
class LoopbackUnderTest:
    """A venue in another process, spoken to over a socket."""

    venue: LoopbackVenue
    account: TradingAccount
    symbol: str = "BTCUSDT"
    currency: str = "USDT"
    price_moves_cash: bool = False

    @property
    def gateway(self) -> BrokerGateway:
        return LoopbackGateway(self.account, base_url=self.venue.url, timeout_seconds=5.0)

    @property
    def moment(self) -> datetime:
        return START

    def market_trades(self, price: int) -> None:
        self.venue.price(self.symbol, price)

    def answer_lose(self) -> None:
        self.venue.fault("DROP_AFTER", endpoint="PLACE")

    def cut_off(self) -> None:
        self.venue.fault("DROP_BEFORE", endpoint="ANY")


@contextmanager
def loopback_under_test(folder: Path) -> Iterator[BrokerUnderTest]:
    """Start a venue process."""
    with loopback_venue(folder / "journal", strict_symbols=True) as venue:
        venue.control("instrument", symbol="BTCUSDT", tick_size=str(TICK), lot_size=str(LOT))
        venue.price("BTCUSDT", 100)
        account = TradingAccount(name="contract", broker="BYBIT", mode="TEST")
        yield LoopbackUnderTest(venue, account)


def an_order(broker: BrokerUnderTest, key: str = "A1", **changes: Any) -> OrderRequest:
    """Ask for one unit at market, or where the broker takes none so, at a price beyond it."""
    offered = broker.gateway.capabilities
    values: dict[str, Any] = {
        "client_order_id": key,
        "symbol": broker.symbol,
        "side": Side.BUY,
        "order_type": OrderType.MARKET,
        "quantity": D(1),
        "as_of": broker.moment,
    }
    if OrderType.MARKET not in offered.order_types:
        is_buy = changes.get("side", Side.BUY) is Side.BUY
        values |= {"order_type": OrderType.LIMIT, "limit_price": D(115) if is_buy else D(85)}
    if TimeInForce.GTC not in offered.times_in_force:
        values["time_in_force"] = TimeInForce.DAY
    return OrderRequest(**{**values, **changes})


def a_resting_order(broker: BrokerUnderTest, key: str = "L1", **changes: Any) -> OrderRequest:
    """Ask for one unit at 90, which the market does not reach by itself."""
    limited = replace(an_order(broker, key), order_type=OrderType.LIMIT, limit_price=D(90))
    return replace(limited, **changes)
