"""An order of the venue with all that its rows carry, for linear and spot."""

from dataclasses import dataclass, field
from decimal import Decimal

from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.replies import Row, places, text
from tests.venues.exchange import Side

ZERO = Decimal(0)
OPEN = frozenset({"New", "PartiallyFilled", "Untriggered"})
ACCEPTED = "Created"  # acknowledged, not yet in the book: no answer shows it


@dataclass
class TpSl:
    """Take profit and stop loss as an order or a position carries them."""

    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    mode: str = ""
    take_profit_type: str = "Market"
    stop_loss_type: str = "Market"
    take_profit_limit: Decimal | None = None
    stop_loss_limit: Decimal | None = None
    take_profit_by: str = "LastPrice"
    stop_loss_by: str = "LastPrice"

    def __bool__(self) -> bool:
        return bool(self.take_profit or self.stop_loss)


@dataclass(kw_only=True)
class VenueOrder:
    """What the venue knows of an order.

    Attributes:
        quantity: Of base coin, or of money for a spot market order by ``quoteCoin``.
        entered: Its quantity in base coin, once in the book.
        sibling: Order that ends when this one is triggered.
        parent_link: orderLinkId of the order that this one protects.
    """

    instrument: Instrument
    order_id: str
    link_id: str
    side: str
    order_type: str
    quantity: Decimal
    price: Decimal | None
    time_in_force: str
    created_ms: int
    position_idx: int = 0
    reduce_only: bool = False
    close_on_trigger: bool = False
    trigger_price: Decimal | None = None
    trigger_direction: int = 0
    trigger_by: str = ""
    order_filter: str = "Order"
    stop_order_type: str = ""
    market_unit: str = ""
    create_type: str = "CreateByUser"
    slippage: tuple[str, Decimal] | None = None
    tpsl: TpSl = field(default_factory=TpSl)
    status: str = ACCEPTED
    cancel_type: str = "UNKNOWN"
    reject_reason: str = "EC_NoError"
    entered: Decimal = ZERO
    filled: Decimal = ZERO
    filled_value: Decimal = ZERO
    fees: dict[str, Decimal] = field(default_factory=dict)
    closed_pnl: Decimal = ZERO
    sibling: str = ""
    parent_link: str = ""
    last_on_created: Decimal | None = None
    updated_ms: int = 0

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_conditional(self) -> bool:
        return self.trigger_price is not None

    @property
    def is_linear(self) -> bool:
        return self.instrument.is_linear

    @property
    def by_quote(self) -> bool:
        return self.market_unit == "quoteCoin"

    @property
    def book_side(self) -> Side:
        return Side.BUY if self.side == "Buy" else Side.SELL

    @property
    def leaves(self) -> Decimal:
        """What may still trade, in base coin."""
        goes_on = self.is_open or self.status in (ACCEPTED, "Triggered")
        return (self.entered or self.quantity) - self.filled if goes_on else ZERO

    @property
    def average_price(self) -> Decimal | None:
        return self.filled_value / self.filled if self.filled else None

    def end(self, status: str, *, cancel_type: str = "UNKNOWN", reason: str = "EC_NoError") -> None:
        """Set its last state and why."""
        self.status, self.cancel_type, self.reject_reason = status, cancel_type, reason

    def row(self) -> Row:
        """Return it as realtime and history show it."""
        return {**_terms(self), **_progress(self), **_protection(self), **_category_rows(self)}

    def stream_row(self) -> Row:
        """Return it as the order topic shows it."""
        return {
            **self.row(),
            "category": self.instrument.category,
            "closedPnl": text(self.closed_pnl),
            "feeCurrency": next(iter(self.fees), ""),
        }


def _terms(order: VenueOrder) -> Row:
    listed = order.instrument
    return {
        "orderId": order.order_id,
        "orderLinkId": order.link_id,
        "blockTradeId": "",
        "symbol": listed.symbol,
        "price": "0" if order.price is None else places(order.price, listed.tick),
        "qty": _quantity(order, order.quantity),
        "side": order.side,
        "isLeverage": "" if order.is_linear else "0",
        "positionIdx": order.position_idx,
        "timeInForce": order.time_in_force,
        "orderType": order.order_type,
        "orderIv": "",
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": order.close_on_trigger,
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "placeType": "",
        "createdTime": str(order.created_ms),
        "lastPriceOnCreated": text(order.last_on_created),
        "parentOrderLinkId": order.parent_link,
        "slippageToleranceType": order.slippage[0] if order.slippage else "UNKNOWN",
        "slippageTolerance": text(order.slippage[1]) if order.slippage else "",
        "extraFees": "",
        "rpiTakerAccess": False,
        "rpiMatchedQty": "0",
    }


def _progress(order: VenueOrder) -> Row:
    remainder = order.leaves
    value = remainder * (order.price or ZERO)
    if order.by_quote:
        value = order.quantity - order.filled_value
    return {
        "orderStatus": order.status,
        "cancelType": order.cancel_type,
        "rejectReason": order.reject_reason,
        "avgPrice": text(order.average_price, none="0" if order.is_linear else ""),
        "leavesQty": places(remainder, order.instrument.step) if remainder else "0",
        "leavesValue": text(value),
        "cumExecQty": places(order.filled, order.instrument.step),
        "cumExecValue": text(order.filled_value),
        "cumExecFee": text(sum(order.fees.values(), ZERO)),
        "cumFeeDetail": {coin: text(fee) for coin, fee in order.fees.items()},
        "updatedTime": str(order.updated_ms),
    }


def _protection(order: VenueOrder) -> Row:
    none = "" if order.is_linear else "0"
    tpsl = order.tpsl
    return {
        "stopOrderType": order.stop_order_type,
        "triggerPrice": text(order.trigger_price, none="" if order.is_linear else "0.00"),
        "triggerDirection": order.trigger_direction,
        "triggerBy": order.trigger_by,
        "takeProfit": text(tpsl.take_profit, none=none),
        "stopLoss": text(tpsl.stop_loss, none=none),
        "tpTriggerBy": tpsl.take_profit_by if tpsl.take_profit else "",
        "slTriggerBy": tpsl.stop_loss_by if tpsl.stop_loss else "",
        "tpLimitPrice": text(tpsl.take_profit_limit, none="0"),
        "slLimitPrice": text(tpsl.stop_loss_limit, none="0"),
        "tpslMode": tpsl.mode,
    }


def _category_rows(order: VenueOrder) -> Row:
    if order.is_linear:
        return {"createType": order.create_type}
    return {"marketUnit": order.market_unit, "basePrice": text(order.last_on_created)}


def _quantity(order: VenueOrder, quantity: Decimal) -> str:
    if order.by_quote:
        return places(quantity, Decimal("0.00000001"))
    return places(quantity, order.instrument.step)
