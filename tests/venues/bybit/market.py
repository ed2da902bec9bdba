"""The market of one instrument: its book, its waiting triggers, its tape and what it shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.venues.bybit.candles import Tape
from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.replies import Row, text
from tests.venues.exchange import Execution, OrderBook, Side, Trigger, TriggerBook

LAST = "LastPrice"
PRICE_KINDS = (LAST, "MarkPrice", "IndexPrice")
_DAY_MS = 86_400_000
_FUNDING_MS = _DAY_MS // 3


@dataclass(frozen=True)
class Quote:
    """Where the house trades, and how much."""

    last: Decimal
    bid: Decimal
    ask: Decimal
    quantity: Decimal | None = None
    levels: int = 1
    step: Decimal = Decimal(0)
    mark: Decimal | None = None
    index: Decimal | None = None


class WaitingTriggers:
    """Triggers of a market by the price that they watch."""

    def __init__(self) -> None:
        self._books = {kind: TriggerBook() for kind in PRICE_KINDS}

    def __iter__(self) -> Iterator[Trigger]:
        for book in self._books.values():
            yield from book

    def add(self, trigger: Trigger, *, by: str) -> None:
        """Wait for a price of a kind; none said is the last."""
        self._books[by or LAST].add(trigger)

    def remove(self, order_id: str) -> None:
        for book in self._books.values():
            book.remove(order_id)

    def reached(self, market: "Market") -> list[Trigger]:
        """Take out what the prices of the market wake now."""
        books = self._books.items()
        return [each for kind, book in books for each in book.reached(market.price_of(kind))]


class Market:
    """All that is public about one instrument.

    Attributes:
        trades: Rows of recent-trade, oldest first.
        fundings: Rows of funding/history, oldest first.
    """

    def __init__(self, instrument: Instrument, price: Decimal, *, since_ms: int) -> None:
        self.instrument = instrument
        self.book = OrderBook(instrument.symbol)
        self.triggers = WaitingTriggers()
        self.tape = Tape(instrument.symbol, mean=price, tick=instrument.tick, since_ms=since_ms)
        self.opening = price
        self.trades: list[Row] = []
        self.fundings: list[Row] = []
        self.funding_rate = Decimal("0.0001")
        self.high = self.low = price
        self.volume = self.turnover = Decimal(0)
        self.update = 1
        self.quote = Quote(price, price, price)

    @property
    def last(self) -> Decimal:
        return self.book.last or self.opening

    @property
    def mark(self) -> Decimal:
        """What positions are valued at: the last price unless a test parted them."""
        return self.last if self.quote.mark is None else self.quote.mark

    def price_of(self, kind: str) -> Decimal:
        """Return the last, mark or index price; none said is the last."""
        index = self.last if self.quote.index is None else self.quote.index
        return {"MarkPrice": self.mark, "IndexPrice": index}.get(kind, self.last)

    def house(self, quote: Quote) -> list[Execution]:
        """Let the house trade at a new price."""
        self.quote = quote
        return self.book.house_quote(
            last=quote.last,
            bid=quote.bid,
            ask=quote.ask,
            quantity=quote.quantity,
            levels=quote.levels,
            step=quote.step,
        )

    def trade(
        self, *, trade_id: str, at_ms: int, price: Decimal, quantity: Decimal, side: str, seq: int
    ) -> Row:
        """Note a trade; return its row of the publicTrade topic."""
        before = self.trades[-1]["price"] if self.trades else text(self.opening)
        self.tape.print(at_ms=at_ms, price=price, volume=quantity)
        self.high, self.low = max(self.high, price), min(self.low, price)
        self.volume += quantity
        self.turnover += quantity * price
        self.trades.append(
            {
                "execId": trade_id,
                "symbol": self.instrument.symbol,
                "price": text(price),
                "size": text(quantity),
                "side": side,
                "time": str(at_ms),
                "isBlockTrade": False,
                "isRPITrade": False,
                "seq": str(seq),
            }
        )
        return {
            "T": at_ms,
            "s": self.instrument.symbol,
            "S": side,
            "v": text(quantity),
            "p": text(price),
            "L": "PlusTick"
            if price > Decimal(before)
            else "ZeroPlusTick"
            if price == Decimal(before)
            else "MinusTick",
            "i": trade_id,
            "BT": False,
            "RPI": False,
            "seq": seq,
        }

    def depth(self, levels: int) -> tuple[list[list[str]], list[list[str]]]:
        """Return bids and asks, best first, as text."""
        bids, asks = (
            [[text(price), text(leaves)] for price, leaves in self.book.depth(side, levels)]
            for side in (Side.BUY, Side.SELL)
        )
        return bids, asks

    def ticker(self, *, at_ms: int) -> Row:
        """Return the row of tickers."""
        [bid, bid_size], [ask, ask_size] = (
            (side[0] if side else ["", ""]) for side in self.depth(1)
        )
        change = (self.last - self.opening) / self.opening
        row: Row = {
            "symbol": self.instrument.symbol,
            "lastPrice": text(self.last),
            "prevPrice24h": text(self.opening),
            "price24hPcnt": text(change.quantize(Decimal("0.000001"))),
            "highPrice24h": text(self.high),
            "lowPrice24h": text(self.low),
            "volume24h": text(self.volume),
            "turnover24h": text(self.turnover),
            "bid1Price": bid,
            "bid1Size": bid_size,
            "ask1Price": ask,
            "ask1Size": ask_size,
        }
        if not self.instrument.is_linear:
            return {**row, "usdIndexPrice": text(self.last)}
        return {**row, **self._linear_ticker(at_ms)}

    def _linear_ticker(self, at_ms: int) -> dict[str, Any]:
        return {
            "indexPrice": text(self.price_of("IndexPrice")),
            "markPrice": text(self.mark),
            "prevPrice1h": text(self.opening),
            "openInterest": "52000",
            "openInterestValue": text(52000 * self.mark),
            "fundingRate": text(self.funding_rate),
            "nextFundingTime": str(at_ms - at_ms % _FUNDING_MS + _FUNDING_MS),
            "predictedDeliveryPrice": "",
            "basisRate": "",
            "basisRateYear": "",
            "basis": "",
            "deliveryFeeRate": "",
            "deliveryTime": "0",
            "preOpenPrice": "",
            "preQty": "",
            "curPreListingPhase": "",
            "fundingIntervalHour": "8",
            "fundingCap": "0.00375",
        }
