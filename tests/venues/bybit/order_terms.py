"""Reads what a client asks of order/create, and refuses it with the venue's codes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.orders import TpSl
from tests.venues.bybit.replies import Refusal

ZERO = Decimal(0)
_LINK_ID = re.compile(r"[A-Za-z0-9_-]{0,36}")
_PLAIN = re.compile(r"\d+(\.\d+)?")
_TRIGGER_BY = ("LastPrice", "IndexPrice", "MarkPrice")
_SLIPPAGE: dict[str, tuple[int, Decimal, Decimal]] = {
    "TickSize": (110108, Decimal(1), Decimal(10000)),
    "Percent": (110109, Decimal("0.01"), Decimal(10)),
}


@dataclass(frozen=True, kw_only=True)
class OrderTerms:
    """A request to create an order, well-formed; whether it may be is for the account to say."""

    instrument: Instrument
    link_id: str
    side: str
    order_type: str
    quantity: Decimal
    price: Decimal | None
    time_in_force: str
    position_idx: int
    reduce_only: bool
    close_on_trigger: bool
    trigger_price: Decimal | None
    trigger_direction: int
    trigger_by: str
    order_filter: str
    market_unit: str
    slippage: tuple[str, Decimal] | None
    tpsl: TpSl


def terms_read(instrument: Instrument, asked: Mapping[str, Any]) -> OrderTerms:
    """Read a request.

    Raises:
        Refusal: It is not well-formed, or its numbers do not fit the instrument.
    """
    side = choice(asked, "side", ("Buy", "Sell"))
    order_type = choice(asked, "orderType", ("Market", "Limit"))
    market = order_type == "Market"
    time_in_force = choice(asked, "timeInForce", ("GTC", "IOC", "FOK", "PostOnly"), usual="GTC")
    by_quote = _by_quote(instrument, asked, side=side, market=market)
    reduce_only = flag(asked, "reduceOnly") and instrument.is_linear
    quantity = _quantity(instrument, asked, market=market, by_quote=by_quote)
    price = None if market else price_read(instrument, asked, "price", required=True)
    trigger_price = price_read(instrument, asked, "triggerPrice")
    order_filter = _order_filter(instrument, asked, conditional=trigger_price is not None)
    if price and not reduce_only:
        _check_notional(instrument, quantity * price)
    return OrderTerms(
        instrument=instrument,
        link_id=_link_id(asked),
        side=side,
        order_type=order_type,
        quantity=quantity,
        price=price,
        time_in_force="IOC" if market and time_in_force != "FOK" else time_in_force,
        position_idx=position_idx_read(asked),
        reduce_only=reduce_only,
        close_on_trigger=flag(asked, "closeOnTrigger"),
        trigger_price=trigger_price,
        trigger_direction=_direction(instrument, asked, trigger_price),
        trigger_by=choice(asked, "triggerBy", _TRIGGER_BY, usual="LastPrice")
        if trigger_price and instrument.is_linear
        else "",
        order_filter=order_filter,
        market_unit=("quoteCoin" if by_quote else "baseCoin")
        if market and not instrument.is_linear
        else "",
        slippage=_slippage(asked, plain_market=market and trigger_price is None),
        tpsl=tpsl_read(instrument, asked, reduce_only=reduce_only, market=market),
    )


def tpsl_read(
    instrument: Instrument, asked: Mapping[str, Any], *, reduce_only: bool, market: bool
) -> TpSl:
    """Read take profit and stop loss; "0" and "" are none."""
    take_profit, stop_loss = (price_read(instrument, asked, n) for n in ("takeProfit", "stopLoss"))
    if not (take_profit or stop_loss):
        return TpSl()
    if reduce_only or (market and not instrument.is_linear):
        raise Refusal(10001, "params error: TP/SL can not be set for this order")
    mode = choice(asked, "tpslMode", ("Full", "Partial"), usual="Full")
    types = [
        choice(asked, n, ("Market", "Limit"), usual="Market")
        for n in ("tpOrderType", "slOrderType")
    ]
    if instrument.is_linear and mode == "Full" and "Limit" in types:
        raise Refusal(
            10001, "params error: tpOrderType and slOrderType must be Market in Full mode"
        )
    return TpSl(
        take_profit=take_profit,
        stop_loss=stop_loss,
        mode=mode if instrument.is_linear else "",
        take_profit_type=types[0],
        stop_loss_type=types[1],
        take_profit_limit=price_read(
            instrument, asked, "tpLimitPrice", required=types[0] == "Limit" and bool(take_profit)
        ),
        stop_loss_limit=price_read(
            instrument, asked, "slLimitPrice", required=types[1] == "Limit" and bool(stop_loss)
        ),
        take_profit_by=choice(asked, "tpTriggerBy", _TRIGGER_BY, usual="LastPrice"),
        stop_loss_by=choice(asked, "slTriggerBy", _TRIGGER_BY, usual="LastPrice"),
    )


def number_read(asked: Mapping[str, Any], name: str) -> Decimal | None:
    """Read a number that stands as text; None where it is not given.

    Raises:
        Refusal: It is no plain decimal number: no sign, no exponent.
    """
    given = asked.get(name)
    if given is None or given == "":
        return None
    if isinstance(given, bool) or not _PLAIN.fullmatch(str(given)):
        raise Refusal(10001, f"params error: {name} invalid")
    return Decimal(str(given))


def price_read(
    instrument: Instrument, asked: Mapping[str, Any], name: str, *, required: bool = False
) -> Decimal | None:
    """Read a price of the instrument's tick; None where it is not given or 0."""
    number = number_read(asked, name)
    if not number:
        if required:
            raise Refusal(10001, f"params error: {name} invalid")
        return None
    if number % instrument.tick:
        if instrument.is_linear:
            raise Refusal(10001, f"params error: {name} invalid")
        raise Refusal(170134, "Order price has too many decimals.")
    return number


def choice(
    asked: Mapping[str, Any], name: str, known: tuple[str, ...], *, usual: str | None = None
) -> str:
    """Read one of some words."""
    given = asked.get(name) or usual
    if given not in known:
        raise Refusal(10001, f"params error: {name} invalid")
    return str(given)


def flag(asked: Mapping[str, Any], name: str) -> bool:
    """Read true or false; absent is false."""
    given = asked.get(name) or False
    if not isinstance(given, bool):
        raise Refusal(10001, f"params error: {name} invalid")
    return given


def quantity_check(instrument: Instrument, quantity: Decimal, *, market: bool) -> None:
    """Check a quantity of base coin against step and bounds."""
    linear = instrument.is_linear
    most = instrument.most_market if market else instrument.most
    refusals: tuple[tuple[bool, int, str], ...] = (
        (quantity < instrument.least, 10001 if linear else 170136, "below the lower limit"),
        (bool(quantity % instrument.step), 10001 if linear else 170137, "has too many decimals"),
        (quantity > most, 10001 if linear else 170135, "above the upper limit"),
    )
    for refused, code, why in refusals:
        if refused:
            raise Refusal(code, "Qty invalid" if linear else f"Order quantity {why}.")


def _quantity(
    instrument: Instrument, asked: Mapping[str, Any], *, market: bool, by_quote: bool
) -> Decimal:
    quantity = number_read(asked, "qty")
    if quantity is None:
        raise Refusal(10001, "params error: qty invalid")
    if by_quote:
        _check_notional(instrument, quantity)
        return quantity
    closes = flag(asked, "reduceOnly") and flag(asked, "closeOnTrigger")
    if not (quantity == 0 and closes and instrument.is_linear):
        quantity_check(instrument, quantity, market=market)
    return quantity


def _by_quote(instrument: Instrument, asked: Mapping[str, Any], *, side: str, market: bool) -> bool:
    if instrument.is_linear or not market:
        return False
    usual = "quoteCoin" if side == "Buy" else "baseCoin"
    return choice(asked, "marketUnit", ("baseCoin", "quoteCoin"), usual=usual) == "quoteCoin"


def _check_notional(instrument: Instrument, notional: Decimal) -> None:
    if notional >= instrument.least_notional:
        return
    if instrument.is_linear:
        least = f"{instrument.least_notional}{instrument.quote}"
        raise Refusal(110094, f"Order does not meet minimum order value {least}")
    raise Refusal(170140, "Order value exceeded lower limit.")


def _link_id(asked: Mapping[str, Any]) -> str:
    given = str(asked.get("orderLinkId") or "")
    if not _LINK_ID.fullmatch(given):
        long = len(given) > 36
        why = "order link id is longer than 45" if long else "orderLinkId invalid"
        raise Refusal(10001, f"params error: {why}")
    return given


def position_idx_read(asked: Mapping[str, Any]) -> int:
    """Read 0 for one-way mode, 1 or 2 for a side of hedge mode."""
    given = asked.get("positionIdx", 0)
    if str(given) not in ("0", "1", "2"):
        raise Refusal(10001, "params error: positionIdx invalid")
    return int(given)


def _direction(instrument: Instrument, asked: Mapping[str, Any], trigger: Decimal | None) -> int:
    if trigger is None or not instrument.is_linear:
        return 0
    given = asked.get("triggerDirection")
    if str(given) not in ("1", "2"):
        raise Refusal(10001, "params error: triggerDirection invalid")
    return int(str(given))


def _order_filter(instrument: Instrument, asked: Mapping[str, Any], *, conditional: bool) -> str:
    if instrument.is_linear:
        return "StopOrder" if conditional else "Order"
    given = choice(asked, "orderFilter", ("Order", "StopOrder", "tpslOrder"), usual="Order")
    if conditional != (given != "Order"):
        raise Refusal(170130, "Data sent for parameter 'orderFilter' is not valid.")
    return given


def _slippage(asked: Mapping[str, Any], *, plain_market: bool) -> tuple[str, Decimal] | None:
    if not asked.get("slippageToleranceType"):
        return None
    kind = choice(asked, "slippageToleranceType", tuple(_SLIPPAGE))
    code, least, most = _SLIPPAGE[kind]
    tolerance = number_read(asked, "slippageTolerance")
    if not plain_market or tolerance is None:
        raise Refusal(10001, "params error: slippageTolerance invalid")
    if not least <= tolerance <= most:
        raise Refusal(code, f"Slippage tolerance must be between {least} and {most}")
    return kind, tolerance
