"""The same decisions and fill rules in one plain loop: no database, no broker, no books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.fill_rules import FillTerms, RestingOrder, exit_price, order_meet
from apps.orders.domain.types import OrderRole, OrderType, Side
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.signals import Decision, decision_at
from apps.strategies.domain.strategy import Strategy, signals_over


@dataclass(frozen=True, slots=True)
class LoopTrade:
    """An entry at the market and the stop or target that ended it; None: still open."""

    side: str
    entered_at: datetime
    entry_price: Decimal
    exited_at: datetime | None = None
    exit_price: Decimal | None = None


def loop_trades(
    *, strategy: Strategy[Any], instrument: Instrument, bars: Sequence[Bar]
) -> list[LoopTrade]:
    """Trade a strategy that enters at the market and leaves by stop or target alone."""
    terms = FillTerms(
        fee_bps=Decimal(6),
        slippage_bps=Decimal(0),
        volume_cap_ratio=Decimal(0),
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        multiplier=instrument.multiplier,
    )
    candles = Candles.from_bars(bars)
    signals = signals_over(strategy, candles)
    wanted: Decision | None = None
    trade: LoopTrade | None = None
    exits: list[RestingOrder] = []
    found: list[LoopTrade] = []
    for row, bar in enumerate(bars):
        if trade is None and wanted is not None:
            trade, exits = _enter(wanted, bar, terms)
        if trade is not None and (closed := _leave(trade, exits, bar, terms)) is not None:
            found.append(closed)
            trade = None
        wanted = None
        if trade is None:
            wanted = decision_at(signals, row, close=candles.close[row])
    return [*found, trade] if trade is not None else found


def _enter(wanted: Decision, bar: Bar, terms: FillTerms) -> tuple[LoopTrade, list[RestingOrder]]:
    side = Side.BUY if wanted.action == "ENTER_LONG" else Side.SELL
    fill = order_meet(RestingOrder(order_type=OrderType.MARKET, side=side), bar, terms).fill
    assert fill is not None
    exits = []
    for role, distance in (
        (OrderRole.STOP_LOSS, wanted.stop_loss_ratio),
        (OrderRole.TAKE_PROFIT, wanted.take_profit_ratio),
    ):
        if distance is None:
            continue
        price = exit_price(
            entry_side=side,
            role=role,
            entry_price=fill.price,
            distance_ratio=distance,
            tick_size=terms.tick_size,
        )
        is_stop = role is OrderRole.STOP_LOSS
        exits.append(
            RestingOrder(
                order_type=OrderType.STOP if is_stop else OrderType.LIMIT,
                side=side.opposite,
                stop_price=price if is_stop else None,
                limit_price=None if is_stop else price,
            )
        )
    direction = "LONG" if side is Side.BUY else "SHORT"
    return LoopTrade(direction, bar.open_at, fill.price), exits


def _leave(
    trade: LoopTrade, exits: list[RestingOrder], bar: Bar, terms: FillTerms
) -> LoopTrade | None:
    for order in exits:  # the stop first: where a bar reaches both, that is the worse one
        fill = order_meet(order, bar, terms).fill
        if fill is not None:
            return LoopTrade(
                trade.side, trade.entered_at, trade.entry_price, bar.open_at, fill.price
            )
    return None
