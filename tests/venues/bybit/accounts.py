"""One account's coins, positions and the facts that changed them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.orders import TpSl
from tests.venues.bybit.replies import Row, places, text

ZERO = Decimal(0)


@dataclass
class Position:
    """A position of a linear instrument; ``size`` is signed, long above 0."""

    instrument: Instrument
    idx: int
    created_ms: int
    leverage: Decimal = Decimal(10)
    size: Decimal = ZERO
    average: Decimal = ZERO
    realized: Decimal = ZERO
    realized_in_all: Decimal = ZERO
    tpsl: TpSl = field(default_factory=TpSl)
    trailing: Decimal | None = None
    updated_ms: int = 0
    seq: int = 0

    @property
    def side(self) -> str:
        if not self.size:
            return ""
        return "Buy" if self.size > 0 else "Sell"

    def change(self, signed: Decimal, price: Decimal) -> tuple[Decimal, Decimal]:
        """Trade; return how much of it closed and the profit of that, before fees."""
        closed, profit = ZERO, ZERO
        if self.size * signed < 0:
            closed = min(abs(signed), abs(self.size))
            direction = 1 if self.size > 0 else -1
            profit = closed * (price - self.average) * direction
        after = self.size + signed
        if abs(signed) > closed:
            opened = abs(signed) - closed
            before = abs(after) - opened
            self.average = (self.average * before + price * opened) / abs(after)
        if not after:
            self.average = ZERO
        self.size = after
        return closed, profit

    def unrealized(self, mark: Decimal) -> Decimal:
        return (mark - self.average) * self.size if self.size else ZERO

    def value(self) -> Decimal:
        return abs(self.size) * self.average

    def margin(self) -> Decimal:
        return self.value() / self.leverage

    def row(self, mark: Decimal) -> Row:
        """Return it as position/list shows it; flat rows have empty words."""
        flat = not self.size
        return {
            "positionIdx": self.idx,
            "riskId": 1,
            "riskLimitValue": "2000000",
            "symbol": self.instrument.symbol,
            "side": self.side,
            "size": places(abs(self.size), self.instrument.step) if self.size else "0",
            "avgPrice": text(self.average),
            "positionValue": "" if flat else text(self.value()),
            "tradeMode": 0,
            "positionStatus": "Normal",
            "autoAddMargin": 0,
            "adlRankIndicator": 0 if flat else 2,
            "leverage": text(self.leverage),
            "breakEvenPrice": "" if flat else text(self.average),
            "positionBalance": text(self.margin()),
            "markPrice": text(mark),
            "liqPrice": "",
            "bustPrice": "",
            "positionMM": text(self.value() * Decimal("0.005")),
            "positionMMByMp": text(self.value() * Decimal("0.005")),
            "positionIM": text(self.margin()),
            "positionIMByMp": text(self.margin()),
            "tpslMode": "Full",
            "takeProfit": text(self.tpsl.take_profit),
            "stopLoss": text(self.tpsl.stop_loss),
            "trailingStop": text(self.trailing, none="0"),
            "unrealisedPnl": "" if flat else text(self.unrealized(mark)),
            "curRealisedPnl": text(self.realized),
            "cumRealisedPnl": text(self.realized_in_all),
            "seq": self.seq,
            "isReduceOnly": False,
            "mmrSysUpdateTime": "",
            "leverageSysUpdatedTime": "",
            "sessionAvgPrice": "",
            "createdTime": str(self.created_ms),
            "updatedTime": str(self.updated_ms),
        }

    def stream_row(self, mark: Decimal) -> Row:
        """Return it as the position topic shows it: ``entryPrice`` where REST has ``avgPrice``."""
        row = self.row(mark)
        row["entryPrice"] = row.pop("avgPrice")
        row["mmrSysUpdatedTime"] = row.pop("mmrSysUpdateTime")
        return {**row, "category": "linear"}


class Account:
    """Coins, positions, modes, and what happened, oldest first.

    Attributes:
        executions: Rows of execution/list.
        closed: Rows of position/closed-pnl.
        transactions: Rows of account/transaction-log.
    """

    def __init__(self, balances: dict[str, Decimal], *, hedge: bool, since_ms: int) -> None:
        self.coins = dict(balances)
        self.realized: dict[str, Decimal] = {}
        self.executions: list[Row] = []
        self.closed: list[Row] = []
        self.transactions: list[Row] = []
        self.hedged: set[str] = set()
        self.hedges_all = hedge
        self._since_ms = since_ms
        self.margin_mode = "REGULAR_MARGIN"
        self._positions: dict[tuple[str, int], Position] = {}
        self._leverage: dict[str, Decimal] = {}

    def is_hedged(self, symbol: str) -> bool:
        return (symbol in self.hedged) != self.hedges_all

    def indexes(self, symbol: str) -> tuple[int, ...]:
        """Return the position indexes that are good in the symbol's mode."""
        return (1, 2) if self.is_hedged(symbol) else (0,)

    def position(self, instrument: Instrument, idx: int) -> Position:
        """Return a position, flat where it never was."""
        key = (instrument.symbol, idx)
        if key not in self._positions:
            leverage = self.leverage(instrument.symbol)
            since = self._since_ms
            self._positions[key] = Position(instrument, idx, since, leverage, updated_ms=since)
        return self._positions[key]

    def positions(self) -> Iterator[Position]:
        yield from self._positions.values()

    def leverage(self, symbol: str) -> Decimal:
        return self._leverage.get(symbol, Decimal(10))

    def leverage_set(self, symbol: str, leverage: Decimal) -> None:
        self._leverage[symbol] = leverage
        for position in self._positions.values():
            if position.instrument.symbol == symbol:
                position.leverage = leverage

    def add(self, coin: str, amount: Decimal) -> None:
        self.coins[coin] = self.coins.get(coin, ZERO) + amount
