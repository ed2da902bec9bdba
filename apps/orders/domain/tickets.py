"""An order as a person or a client asks for it, and how the desk has to manage it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.core.money import plain
from apps.orders.domain.groups import GroupKind
from apps.orders.domain.types import BrokerCapabilities, OrderType, Side, TimeInForce


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTicket:
    """What is asked for.

    Attributes:
        order_type: An order type, unless ``group`` names a managed order.
        group: OCO, BRACKET, ICEBERG or TWAP; its own settings are in ``group_settings``.
        quantity: Units.
        limit_price, stop_price: Quote currency, by order type.
        trail_amount, trail_ratio: Distance of a trailing stop, one of them.
        expires_at: End of a GTD order (UTC).
        maximum_slippage_bps: A market order, or the entry at market of a bracket, becomes a limit
            order at the worst price this allows.
    """

    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    group: GroupKind | None = None
    group_settings: dict[str, str | int | bool] | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_ratio: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    maximum_slippage_bps: Decimal | None = None

    @property
    def is_at_market(self) -> bool:
        """Whether it begins with a market order, whose price a maximum slippage can bound."""
        if self.group is None:
            return self.order_type is OrderType.MARKET
        settings = self.group_settings or {}
        return self.group is GroupKind.BRACKET and settings.get("entry_limit_price") is None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingRules:
    """What an instrument takes.

    Attributes:
        maximum_quantity: Most units of one order; None: no bound.
        lower_price_band, upper_price_band: Prices that are taken today; None: no band.
        session_is_open, session_note: Whether the market trades at ``as_of``.
    """

    symbol: str
    is_tradable: bool
    tick_size: Decimal
    lot_size: Decimal
    minimum_notional: Decimal
    multiplier: Decimal
    maximum_quantity: Decimal | None
    lower_price_band: Decimal | None
    upper_price_band: Decimal | None
    session_is_open: bool
    session_note: str
    as_of: datetime
    reference_price: Decimal


@dataclass(frozen=True, slots=True)
class Objection:
    """What is wrong with one field of a ticket, and what would be right."""

    field: str
    sentence: str


def managed_kind(ticket: OrderTicket, capabilities: BrokerCapabilities) -> GroupKind | None:
    """Return how the desk has to manage the order, or None: the venue takes it as it is."""
    if ticket.group is not None:
        return ticket.group
    if ticket.order_type in capabilities.order_types:
        return None
    rests = OrderType.STOP in capabilities.order_types and capabilities.amends
    if ticket.order_type is OrderType.TRAILING_STOP and rests:
        return GroupKind.TRAILING_STOP
    return GroupKind.HELD


def managed_settings(ticket: OrderTicket, kind: GroupKind) -> dict[str, str | int | bool]:
    """Return the settings of the managed order that stands for a ticket, as plain JSON."""
    if ticket.group is not None:
        return dict(ticket.group_settings or {})
    trail = {"trail_amount": ticket.trail_amount, "trail_ratio": ticket.trail_ratio}
    asked = dict(trail)
    if kind is GroupKind.HELD:
        is_touch = ticket.order_type is OrderType.TAKE_PROFIT
        asked |= {
            "touch_price" if is_touch else "stop_price": ticket.stop_price,
            "limit_price": ticket.limit_price,
        }
    prices = {name: plain(value) for name, value in asked.items() if value is not None}
    return {**prices, "reduce_only": ticket.reduce_only}
