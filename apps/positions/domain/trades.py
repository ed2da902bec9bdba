"""Round trips out of fills: what a trader calls a trade, recomputable by anyone from the fills."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext

from apps.core.money import ZERO, stored
from apps.positions.domain.position import EXACT_DIGITS
from apps.risk.domain.sizing import Edge


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFill:
    """A fill as far as a trade needs it.

    Attributes:
        symbol: The instrument's symbol.
        executed_at: Venue time (UTC).
        signed_quantity: Units, positive for a buy.
        role: The order's role: ENTRY, EXIT, STOP_LOSS or TAKE_PROFIT.
    """

    symbol: str
    executed_at: datetime
    signed_quantity: Decimal
    price: Decimal
    multiplier: Decimal
    commission: Decimal
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One episode from flat to flat.

    Attributes:
        side: LONG or SHORT.
        quantity: Units entered in total.
        exited_quantity: Units that have left; equal to ``quantity`` unless the trade is open.
        average_entry_price, average_exit_price: Weighted by quantity; no exit price before
            the first exit.
        commission: Of all its fills, entry and exit.
        gross_pnl: Result of the exited units before commission, quote currency.
        exit_reason: Role of the order that closed it; an ENTRY closes by turning the position.
            Empty while it is open.
    """

    symbol: str
    side: str
    entered_at: datetime
    exited_at: datetime | None
    quantity: Decimal
    exited_quantity: Decimal
    average_entry_price: Decimal
    average_exit_price: Decimal | None
    commission: Decimal
    gross_pnl: Decimal
    exit_reason: str

    @property
    def is_open(self) -> bool:
        """Whether units are still held."""
        return self.exited_at is None

    @property
    def net_pnl(self) -> Decimal:
        """Result after commission: of an open trade, what it has realised so far."""
        return self.gross_pnl - self.commission


def trades_from_fills(fills: Iterable[TradeFill]) -> list[Trade]:
    """Return the round trips of one owner, by time of entry.

    A fill that turns a position ends one trade and starts the next; its commission is shared by
    quantity. Instruments are kept apart.

    Args:
        fills: Of one deployment (or of the orders by hand of one account), as executed.
    """
    open_episodes: dict[str, list[TradeFill]] = {}
    trades: list[Trade] = []
    for fill in fills:
        episode = open_episodes.setdefault(fill.symbol, [])
        held = sum((earlier.signed_quantity for earlier in episode), ZERO)
        closing, opening = _split(fill, held)
        episode.append(closing)
        if held + closing.signed_quantity == 0:
            trades.append(_trade(episode, is_closed=True))
            open_episodes[fill.symbol] = [opening] if opening else []
    trades += [_trade(episode, is_closed=False) for episode in open_episodes.values() if episode]
    return sorted(trades, key=lambda trade: trade.entered_at)


def edge_of(trades: Iterable[Trade]) -> Edge:
    """Return what closed trades have shown: how many won, and average win over average loss.

    A trade that ends without a gain after commission counts as lost. The payoff of trades of
    which none was lost is infinite, and of which none was won zero.
    """
    results = [trade.net_pnl for trade in trades if not trade.is_open]
    won = [result for result in results if result > 0]
    lost = [-result for result in results if result <= 0]
    with localcontext() as exact:
        exact.prec = EXACT_DIGITS
        average_loss = sum(lost, ZERO) / len(lost) if lost else ZERO
        average_win = sum(won, ZERO) / len(won) if won else ZERO
        if average_loss == 0:
            payoff = Decimal("Infinity") if won else ZERO
        else:
            payoff = average_win / average_loss
        win_rate = Decimal(len(won)) / len(results) if results else ZERO
    return Edge(win_rate=win_rate, payoff=payoff, trades=len(results))


def _split(fill: TradeFill, held: Decimal) -> tuple[TradeFill, TradeFill | None]:
    """Cut a fill that turns the position in two; the parts' commissions sum to the whole."""
    is_turning = held * fill.signed_quantity < 0 and abs(fill.signed_quantity) > abs(held)
    if not is_turning:
        return fill, None
    with localcontext() as exact:
        exact.prec = EXACT_DIGITS
        commission = stored(fill.commission * abs(held) / abs(fill.signed_quantity))
    closing = replace(fill, signed_quantity=-held, commission=commission)
    opening = replace(
        fill,
        signed_quantity=fill.signed_quantity + held,
        commission=fill.commission - commission,
    )
    return closing, opening


def _trade(episode: list[TradeFill], *, is_closed: bool) -> Trade:
    first, last = episode[0], episode[-1]
    direction = 1 if first.signed_quantity > 0 else -1
    entries = [fill for fill in episode if fill.signed_quantity * direction > 0]
    exits = [fill for fill in episode if fill.signed_quantity * direction < 0]
    entered, exited = _units(entries), _units(exits)
    with localcontext() as exact:
        exact.prec = EXACT_DIGITS
        entry_price = _points(entries) / entered
        exit_price = _points(exits) / exited if exits else None
        result = (_points(exits) - entry_price * exited) * direction * first.multiplier
    return Trade(
        symbol=first.symbol,
        side="LONG" if direction > 0 else "SHORT",
        entered_at=first.executed_at,
        exited_at=last.executed_at if is_closed else None,
        quantity=entered,
        exited_quantity=exited,
        average_entry_price=stored(entry_price),
        average_exit_price=None if exit_price is None else stored(exit_price),
        commission=sum((fill.commission for fill in episode), ZERO),
        gross_pnl=stored(result),
        exit_reason=last.role if is_closed else "",
    )


def _units(fills: list[TradeFill]) -> Decimal:
    return sum((abs(fill.signed_quantity) for fill in fills), ZERO)


def _points(fills: list[TradeFill]) -> Decimal:
    return sum((abs(fill.signed_quantity) * fill.price for fill in fills), ZERO)
