"""Values that travel between the desk and a broker, the same for every broker."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from apps.orders.domain.states import OrderStatus


class Side(StrEnum):
    """Direction of an order or fill."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """How an order finds its price."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"
    TAKE_PROFIT = "TAKE_PROFIT"

    @property
    def needs_limit_price(self) -> bool:
        """Whether it says at which price or better."""
        return self in (OrderType.LIMIT, OrderType.STOP_LIMIT)

    @property
    def needs_stop_price(self) -> bool:
        """Whether it waits for a trigger price; a trailing stop finds its own."""
        return self in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT)


class TimeInForce(StrEnum):
    """How long an order works."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    DAY = "DAY"
    GTD = "GTD"


class OrderOrigin(StrEnum):
    """Who asked for an order; all but MANUAL count as automated."""

    STRATEGY = "STRATEGY"
    MANUAL = "MANUAL"
    API = "API"
    WEBHOOK = "WEBHOOK"
    DESK = "DESK"


class OrderRole(StrEnum):
    """What an order does for its position."""

    ENTRY = "ENTRY"
    EXIT = "EXIT"
    STOP_LOSS = "STOP_LOSS"
    TAKE_PROFIT = "TAKE_PROFIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedExit:
    """A protective exit that the venue starts when its entry fills.

    Attributes:
        client_order_id: Our id of the exit order.
        role: STOP_LOSS (a stop order) or TAKE_PROFIT (a limit order).
        distance_ratio: Distance from the entry's fill price; 0.01 is one per cent.
    """

    client_order_id: str
    role: OrderRole
    distance_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """One order as a broker adapter gets it, sized and rounded.

    Attributes:
        client_order_id: Ours, 19 characters at most; unique in the account.
        symbol: The instrument's symbol.
        quantity: Units, positive, a multiple of the lot.
        limit_price, stop_price: Quote currency, multiples of the tick, or None by order type.
        trail_amount, trail_ratio: Distance of a trailing stop from the best price, one of them.
        expires_at: End of a GTD order (UTC).
        post_only: The venue must cancel it rather than let it take liquidity.
        reduce_only: The venue must never let it open or turn a position.
        as_of: Market time of the decision (UTC).
        attached: Exits that live and die with the position that this order opens.
    """

    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    time_in_force: TimeInForce = TimeInForce.GTC
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_ratio: Decimal | None = None
    expires_at: datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    as_of: datetime
    attached: tuple[AttachedExit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAmendment:
    """New terms of a working order; None leaves a term as it is.

    Attributes:
        quantity: Units in total, what has filled included.
    """

    client_order_id: str
    symbol: str
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What a venue says of one order.

    Attributes:
        status: NEW, PARTIALLY_FILLED, FILLED, CANCELED, REJECTED, EXPIRED or PENDING_NEW.
        filled_quantity: Units filled so far by the venue's count.
        occurred_at: Venue time (UTC).
        stop_price, limit_price: What the venue works with, where it chose the price itself.
        text: The venue's code and words, for a person.
    """

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    status: OrderStatus
    filled_quantity: Decimal
    occurred_at: datetime
    stop_price: Decimal | None = None
    limit_price: Decimal | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillReport:
    """One execution by a venue.

    Attributes:
        trade_id: The venue's own id of the execution; recording it twice is harmless.
        price: Quote currency. quantity: units, positive.
        commission: Positive is paid by us, negative is a rebate, in ``commission_currency``.
        executed_at: Venue time (UTC).
    """

    trade_id: str
    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal
    commission_currency: str
    executed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """Reports in the order in which the venue gave them.

    Attributes:
        cursor: Opaque; give it back to read on. Equal to the one given when nothing is new.
        has_more: Ask again at once.
    """

    reports: tuple[OrderReport | FillReport, ...]
    cursor: str
    has_more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionReport:
    """What a venue says is held: signed units, short is negative; price in quote currency."""

    symbol: str
    quantity: Decimal
    average_entry_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceReport:
    """Cash at a venue, unrealised results left out."""

    currency: str
    cash: Decimal


class CashMovementKind(StrEnum):
    """Why cash moved at a broker although nothing was traded."""

    FUNDING = "FUNDING"
    TRANSFER = "TRANSFER"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashMovement:
    """Cash that moved at a broker by itself, not by an execution.

    Attributes:
        movement_id: The broker's own id; recording it twice is harmless.
        amount: Positive came in.
        occurred_at: Venue time (UTC).
    """

    movement_id: str
    kind: CashMovementKind
    currency: str
    amount: Decimal
    occurred_at: datetime
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerCapabilities:
    """What an adapter can promise.

    Attributes:
        attached_exits: The venue itself starts stop and target when the entry fills.
        deduplicates: A second order with the same client order id is refused by the venue.
        absence_window_seconds: How long the venue must keep saying "not found" before an
            order may be taken as never arrived; None: never resend.
        order_types, times_in_force: What it takes natively; the desk manages the rest.
        amends: It can change quantity and price of a working order.
        post_only: It has orders that never take liquidity.
        market_orders_by_algo: It takes market and IOC orders that no person entered; India's
            exchanges do not.
    """

    attached_exits: bool
    deduplicates: bool
    absence_window_seconds: float | None
    order_types: frozenset[OrderType] = field(default=frozenset(OrderType))
    times_in_force: frozenset[TimeInForce] = field(default=frozenset(TimeInForce))
    amends: bool = True
    post_only: bool = True
    market_orders_by_algo: bool = True
