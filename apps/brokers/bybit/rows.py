"""Turns rows of Bybit's answers into the desk's reports, and refuses rows that cannot be true."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.brokers.bybit.symbols import Category, VenueSymbol, desk_symbol
from apps.brokers.bybit.wire import (
    Body,
    Garbled,
    code,
    coin,
    decimal,
    decimal_or_zero,
    identity,
    identity_or_empty,
    mapping,
    milliseconds,
    moment_of,
    not_negative,
    positive,
    price_or_none,
    rows,
    shown,
    text,
    whole,
    word,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import FillReport, OrderReport, PositionReport, Side

S = OrderStatus
SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_HELD_SIDES = {"Buy": 1, "Sell": -1, "": 0, "None": 0}
_STATUSES = {
    "Created": S.PENDING_NEW,
    "New": S.NEW,
    "Untriggered": S.NEW,  # it waits at the venue, as a resting order does
    "Triggered": S.NEW,
    "Active": S.NEW,
    "PartiallyFilled": S.PARTIALLY_FILLED,
    "Filled": S.FILLED,
    "Cancelled": S.CANCELED,
    "PartiallyFilledCanceled": S.CANCELED,
    "Deactivated": S.CANCELED,
    "Rejected": S.REJECTED,
}
_CLOSED = frozenset({S.FILLED, S.CANCELED, S.REJECTED})
_SILENT_WORDS = frozenset({"", "UNKNOWN", "EC_NoError", "EC_PerCancelRequest"})
_TRADES = frozenset({"Trade", "AdlTrade", "BustTrade", "Delivery", "Settle", "BlockTrade"})
"""Executions that change a position; ``Funding`` moves cash alone, the rest is not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order as the venue lists it.

    Attributes:
        updated_ms, created_ms: Venue time in milliseconds.
        is_conditional: It waits for a trigger, or did.
    """

    report: OrderReport
    venue: VenueSymbol
    updated_ms: int
    created_ms: int
    is_conditional: bool

    @property
    def is_closed(self) -> bool:
        """Whether it works no more."""
        return self.report.status in _CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow:
    """An execution as the venue lists it.

    Attributes:
        executed_ms: Venue time in milliseconds.
        order_quantity: Units of the whole order; zero where the venue does not say.
    """

    report: FillReport
    executed_ms: int
    order_quantity: Decimal


def order_row(body: Body, category: Category) -> OrderRow:
    """Read an order.

    An order without an id of ours, placed by hand at the venue, goes by the venue's id.
    """
    venue_order_id = identity(body, "orderId")
    venue = VenueSymbol(category, code(body))
    quantity, filled = positive_or_zero(body, "qty"), not_negative(body, "cumExecQty")
    updated_ms = milliseconds(body, "updatedTime")
    trigger = price_or_none(body, "triggerPrice")
    is_limit = word(body, "orderType", {"Limit": True, "Market": False, "UNKNOWN": False})
    if filled > quantity:
        raise Garbled(f"order {venue_order_id} has filled {filled} of {quantity}")
    report = OrderReport(
        client_order_id=identity_or_empty(body, "orderLinkId") or venue_order_id,
        venue_order_id=venue_order_id,
        symbol=venue.symbol,
        side=word(body, "side", SIDES),
        quantity=quantity,
        status=_status(body, filled),
        filled_quantity=filled,
        occurred_at=moment_of(updated_ms),
        stop_price=trigger,
        # The price of a market order is where the venue would stop it from slipping
        limit_price=price_or_none(body, "price") if is_limit else None,
        text=_said(body),
    )
    return OrderRow(
        report=report,
        venue=venue,
        updated_ms=updated_ms,
        created_ms=milliseconds(body, "createdTime"),
        is_conditional=trigger is not None,
    )


def positive_or_zero(body: Body, name: str) -> Decimal:
    """Return a number that must be there and is not negative."""
    number = decimal(body, name)
    if number < 0:
        raise Garbled(f"{name} is {number}, below zero")
    return number


def _status(body: Body, filled: Decimal) -> OrderStatus:
    status: OrderStatus = word(body, "orderStatus", _STATUSES)
    if status is S.NEW and filled > 0:
        return S.PARTIALLY_FILLED
    # Bybit rejects what is left of an order that has filled in part: its fills stand
    return S.CANCELED if status is S.REJECTED and filled > 0 else status


def _said(body: Body) -> str:
    words = [text(body, name) for name in ("rejectReason", "cancelType")]
    return " ".join(said for said in words if said not in _SILENT_WORDS)


def execution_row(body: Body, category: Category) -> ExecutionRow | None:
    """Read an execution; None where it is none that changes a position, such as funding."""
    kind = text(body, "execType")
    if kind not in _TRADES:
        return None
    venue = VenueSymbol(category, code(body))
    side: Side = word(body, "side", SIDES)
    executed_ms = milliseconds(body, "execTime")
    commission = decimal_or_zero(body, "execFee")
    order_id = identity_or_empty(body, "orderId") or identity(body, "execId")
    report = FillReport(
        trade_id=identity(body, "execId"),
        client_order_id=identity_or_empty(body, "orderLinkId") or order_id,
        venue_order_id=order_id,
        symbol=venue.symbol,
        side=side,
        quantity=positive(body, "execQty"),
        price=positive(body, "execPrice"),
        commission=commission,
        commission_currency=_fee_coin(body, venue, side, commission),
        executed_at=moment_of(executed_ms),
    )
    return ExecutionRow(
        report=report, executed_ms=executed_ms, order_quantity=not_negative(body, "orderQty")
    )


def _fee_coin(body: Body, venue: VenueSymbol, side: Side, commission: Decimal) -> str:
    """Return the coin of a commission; Bybit leaves it out of most rows.

    Spot: a buyer pays in what was bought, a seller in what was got for it; a rebate is turned.
    """
    if body.get("feeCurrency"):
        return coin(body, "feeCurrency")
    if venue.category == "linear":
        return venue.settle_coin
    pays_base = (side is Side.BUY) != (commission < 0)
    return venue.base_coin if pays_base else venue.quote_coin


def position_row(body: Body, category: Category) -> tuple[int, PositionReport | None]:
    """Read a position: its index (0 one-way, 1 and 2 hedge mode), and None where it is flat."""
    index = whole(body, "positionIdx", most=2)
    symbol = desk_symbol(category, code(body))
    size = not_negative(body, "size")
    sign = word(body, "side", _HELD_SIDES)
    if (size > 0) != (sign != 0):
        raise Garbled(f"position of {symbol}: size {size} on side {shown(body.get('side'))}")
    if size == 0:
        return index, None
    return index, PositionReport(
        symbol=symbol, quantity=size * sign, average_entry_price=positive(body, "avgPrice")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinRow:
    """What is held of one coin; ``cash`` leaves unrealised results out."""

    coin: str
    cash: Decimal
    equity: Decimal
    locked: Decimal


def wallet_rows(result: Body) -> list[CoinRow]:
    """Read the unified wallet.

    Raises:
        Garbled: There is no wallet, which is never read as an empty one.
    """
    wallets = [row for row in rows(result) if row.get("accountType") == "UNIFIED"]
    if len(wallets) != 1:
        raise Garbled(f"{len(wallets)} unified wallets where one was expected")
    found = [
        CoinRow(
            coin=coin(row),
            cash=decimal(row, "walletBalance"),
            equity=decimal_or_zero(row, "equity"),
            locked=decimal_or_zero(row, "locked"),
        )
        for row in rows(mapping(wallets[0], "a wallet"), "coin")
    ]
    if len({row.coin for row in found}) != len(found):
        raise Garbled("the wallet names a coin twice")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRow:
    """A movement of cash at the venue.

    Attributes:
        kind: The venue's word: TRADE, SETTLEMENT (funding), TRANSFER_IN, ...
        change: Signed amount in ``currency``: cash flow plus funding less fee.
        funding: Positive is received, zero where it is none.
    """

    transaction_id: str
    kind: str
    symbol: str
    currency: str
    change: Decimal
    funding: Decimal
    fee: Decimal
    cash_flow: Decimal
    cash_after: Decimal
    occurred_at: datetime


def transaction_row(body: Body) -> TransactionRow:
    """Read a movement of cash."""
    return TransactionRow(
        transaction_id=identity(body, "id"),
        kind=text(body, "type"),
        symbol=text(body, "symbol"),
        currency=coin(body, "currency"),
        change=decimal(body, "change"),
        funding=decimal_or_zero(body, "funding"),
        fee=decimal_or_zero(body, "fee"),
        cash_flow=decimal_or_zero(body, "cashFlow"),
        cash_after=decimal(body, "cashBalance"),
        occurred_at=moment_of(milliseconds(body, "transactionTime")),
    )
