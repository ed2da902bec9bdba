"""What clients may change about positions: leverage, modes, take profit and stop loss."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.venues.bybit.accounts import Position
from tests.venues.bybit.creation import instrument_of
from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.matching import after_trading
from tests.venues.bybit.order_terms import choice, number_read, position_idx_read, tpsl_read
from tests.venues.bybit.orders import TpSl
from tests.venues.bybit.protection import full_place, partial_place, trailing_place
from tests.venues.bybit.replies import Refusal
from tests.venues.bybit.venue import Venue

Asked = Mapping[str, Any]
ZERO = Decimal(0)


def _linear(venue: Venue, asked: Asked) -> Instrument:
    if asked.get("category") != "linear":
        raise Refusal(10001, "params error: Illegal category")
    return instrument_of(venue, asked)


def leverage(venue: Venue, fields: Asked) -> None:
    """Set the leverage of a symbol."""
    asked = fields["asked"]
    listed = _linear(venue, asked)
    wanted, other = number_read(asked, "buyLeverage"), number_read(asked, "sellLeverage")
    if wanted is None or other != wanted:
        raise Refusal(10001, "params error: buy leverage must equal sell leverage")
    if not 1 <= wanted <= listed.most_leverage:
        raise Refusal(110013, f"cannot set leverage [{wanted}] gt maxLeverage by risk limit")
    if wanted == venue.account.leverage(listed.symbol):
        raise Refusal(110043, "leverage not modified")
    venue.account.leverage_set(listed.symbol, wanted)
    venue.wallet_touched = True


def switch_mode(venue: Venue, fields: Asked) -> None:
    """Set one-way (0) or hedge mode (3) of a symbol, or of all symbols of a coin."""
    asked = fields["asked"]
    if asked.get("category") != "linear" or str(asked.get("mode")) not in ("0", "3"):
        raise Refusal(10001, "params error: category or mode invalid")
    if not (asked.get("symbol") or asked.get("coin")):
        raise Refusal(10001, "params error: symbol or coin is missing")
    meant = [
        listed.symbol
        for listed in venue.listing
        if listed.is_linear
        and asked.get("symbol", listed.symbol) in ("", listed.symbol)
        and asked.get("coin", listed.quote) in ("", listed.quote)
    ]
    if not meant:
        raise Refusal(10001, "params error: symbol invalid")
    hedge = str(asked["mode"]) == "3"
    changing = {symbol for symbol in meant if venue.account.is_hedged(symbol) != hedge}
    if not changing:
        raise Refusal(110025, "Position mode is not modified")
    if any(p.size and p.instrument.symbol in changing for p in venue.account.positions()):
        raise Refusal(110024, "You have an existing position, so position mode cannot be switched.")
    for order in venue.open_orders.values():
        if order.is_linear and order.instrument.symbol in changing:
            raise Refusal(110028, "You have open orders, so position mode cannot be switched.")
    for symbol in changing:
        venue.account.hedged ^= {symbol}


def margin_mode(venue: Venue, fields: Asked) -> None:
    """Set cross, isolated or portfolio margin; margins are counted alike in all."""
    known = ("REGULAR_MARGIN", "ISOLATED_MARGIN", "PORTFOLIO_MARGIN")
    venue.account.margin_mode = choice(fields["asked"], "setMarginMode", known)


def trading_stop(venue: Venue, fields: Asked) -> None:
    """Set take profit, stop loss and trailing stop of a position."""
    asked = fields["asked"]
    listed = _linear(venue, asked)
    idx = position_idx_read(asked)
    if idx not in venue.account.indexes(listed.symbol):
        raise Refusal(10001, "position idx not match position mode")
    position = venue.account.position(listed, idx)
    if not position.size:
        raise Refusal(10001, "can not set tp/sl/ts for zero position")
    mode = choice(asked, "tpslMode", ("Full", "Partial"), usual="Full")
    wanted = tpsl_read(listed, asked, reduce_only=False, market=False)
    _check_sides(venue, position, wanted)
    trailing = number_read(asked, "trailingStop")
    if mode == "Partial":
        _partial(venue, position, wanted, asked)
    else:
        _full(venue, position, wanted, asked, trailing)
    if trailing is not None and (trailing or None) != position.trailing:
        trailing_place(venue, listed.symbol, idx, trailing or None)
    venue.touched_positions.add((listed.symbol, idx))
    after_trading(venue, venue.market(listed))


def _full(
    venue: Venue, position: Position, wanted: TpSl, asked: Asked, trailing: Decimal | None
) -> None:
    before = position.tpsl
    after = replace(
        wanted,
        take_profit=wanted.take_profit if asked.get("takeProfit") else before.take_profit,
        stop_loss=wanted.stop_loss if asked.get("stopLoss") else before.stop_loss,
        mode="Full",
    )
    same = (after.take_profit, after.stop_loss) == (before.take_profit, before.stop_loss)
    if same and (trailing is None or (trailing or None) == position.trailing):
        raise Refusal(34040, "not modified")
    position.tpsl = after
    full_place(venue, position.instrument.symbol, position.idx)


def _partial(venue: Venue, position: Position, wanted: TpSl, asked: Asked) -> None:
    sizes = [number_read(asked, name) for name in ("tpSize", "slSize")]
    given = [size for size in sizes if size]
    if not wanted or not given or any(size != given[0] for size in given):
        raise Refusal(10001, "params error: tpSize and slSize must be given and equal")
    if given[0] > abs(position.size):
        raise Refusal(10001, "params error: tpSize is larger than the position")
    partial_place(venue, position.instrument.symbol, position.idx, wanted, given[0])


def _check_sides(venue: Venue, position: Position, wanted: TpSl) -> None:
    last = venue.market(position.instrument).last
    long = position.size > 0
    for name, price, above in (
        ("TakeProfit", wanted.take_profit, long),
        ("StopLoss", wanted.stop_loss, not long),
    ):
        if price and (price <= last if above else price >= last):
            word = "higher" if above else "lower"
            raise Refusal(
                10001,
                f"{name}:{price} set for {position.side} position should be {word} than "
                f"base_price:{last}??LastPrice",
            )
