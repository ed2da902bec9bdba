"""What the venue takes as an order, and by which rules."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tests.venues.loopback.fields import Fields, Refusal


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    DAY = "DAY"
    GTD = "GTD"


class Status(StrEnum):
    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


FINAL = frozenset({Status.FILLED, Status.CANCELED, Status.REJECTED, Status.EXPIRED})
LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
TRIGGERED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT})
IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class Deduplication(StrEnum):
    """What happens to a second order with the same client order id."""

    REFUSE = "REFUSE"
    RETURN = "RETURN"
    OFF = "OFF"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """How this venue is, as its control endpoint set it.

    Attributes:
        cancel_all_batch: Most orders that one cancel-all takes, picked at random; None: all.
        cancels_market_rest: What a market order could not fill at once is cancelled; else it
            waits for the next price.
        refuses_crossed_stops: A stop that would trigger at once is refused; else it triggers.
        reports_state_after_fill: An order report follows each fill report.
        strict_symbols: Only instruments that were set up are traded.
        opening_cash, currency: What an account starts with when it first speaks.
    """

    order_types: frozenset[OrderType] = frozenset(OrderType)
    times_in_force: frozenset[TimeInForce] = frozenset(TimeInForce)
    amends: bool = True
    post_only: bool = True
    deduplication: Deduplication = Deduplication.REFUSE
    taker_fee_bps: Decimal = Decimal(5)
    maker_fee_bps: Decimal = Decimal(1)
    opening_cash: Decimal = Decimal(1_000_000)
    currency: str = "USDT"
    cancel_all_batch: int | None = None
    cancels_market_rest: bool = False
    refuses_crossed_stops: bool = False
    reports_state_after_fill: bool = True
    strict_symbols: bool = False
    page_size: int = 200
    open_page_size: int = 200
    seed: int = 0


def settings_read(body: object, current: VenueSettings) -> VenueSettings:
    """Return the settings with the named ones changed."""
    read = Fields(body)
    changed = VenueSettings(
        order_types=read.choices("order_types", OrderType, current.order_types),
        times_in_force=read.choices("times_in_force", TimeInForce, current.times_in_force),
        amends=read.flag("amends", default=current.amends),
        post_only=read.flag("post_only", default=current.post_only),
        deduplication=read.choice("deduplication", Deduplication, current.deduplication),
        taker_fee_bps=read.decimal("taker_fee_bps", str(current.taker_fee_bps)),
        maker_fee_bps=read.decimal("maker_fee_bps", str(current.maker_fee_bps)),
        opening_cash=read.decimal("opening_cash", str(current.opening_cash)),
        currency=read.text("currency", current.currency),
        cancel_all_batch=read.count_or_none("cancel_all_batch", default=current.cancel_all_batch),
        cancels_market_rest=read.flag("cancels_market_rest", default=current.cancels_market_rest),
        refuses_crossed_stops=read.flag(
            "refuses_crossed_stops", default=current.refuses_crossed_stops
        ),
        reports_state_after_fill=read.flag(
            "reports_state_after_fill", default=current.reports_state_after_fill
        ),
        strict_symbols=read.flag("strict_symbols", default=current.strict_symbols),
        page_size=read.count("page_size", default=current.page_size),
        open_page_size=read.count("open_page_size", default=current.open_page_size),
        seed=read.count("seed", default=current.seed),
    )
    read.done()
    if not changed.page_size or not changed.open_page_size:
        raise Refusal("a page holds one entry or more", code="FIELD")
    return changed


def settings_wire(settings: VenueSettings) -> dict[str, Any]:
    """Return the settings as JSON that ``settings_read`` takes."""
    return {field.name: _wire(getattr(settings, field.name)) for field in fields(settings)}


def _wire(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value) if isinstance(value, Decimal) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentRules:
    """How one symbol is traded; a perpetual pays results, all else pays its price."""

    symbol: str
    tick_size: Decimal = Decimal("0.0000000001")
    lot_size: Decimal = Decimal("0.0000000001")
    multiplier: Decimal = Decimal(1)
    is_perpetual: bool = True
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """One order as its sender wants it."""

    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    expires_at: datetime | None
    post_only: bool
    reduce_only: bool


def terms_read(body: object) -> OrderTerms:
    """Read an order from JSON."""
    read = Fields(body)
    terms = OrderTerms(
        client_order_id=read.text("client_order_id"),
        symbol=read.text("symbol"),
        side=read.choice("side", Side),
        order_type=read.choice("order_type", OrderType),
        time_in_force=read.choice("time_in_force", TimeInForce, TimeInForce.GTC),
        quantity=read.decimal("quantity"),
        limit_price=read.decimal_or_none("limit_price"),
        stop_price=read.decimal_or_none("stop_price"),
        expires_at=read.moment_or_none("expires_at"),
        post_only=read.flag("post_only"),
        reduce_only=read.flag("reduce_only"),
    )
    read.done()
    return terms


def order_refuse_unsupported(terms: OrderTerms, settings: VenueSettings) -> None:
    """Refuse what this venue does not offer."""
    for name, word, offered in (
        ("ORDER_TYPE", terms.order_type, settings.order_types),
        ("TIME_IN_FORCE", terms.time_in_force, settings.times_in_force),
    ):
        if word not in offered:
            listed = ", ".join(sorted(offered))
            raise Refusal(f"{word} orders are not offered here, only {listed}", code=name)
    if terms.post_only and not settings.post_only:
        raise Refusal("post-only orders are not offered here", code="POST_ONLY")
    if terms.post_only and (
        terms.order_type is not OrderType.LIMIT or terms.time_in_force in IMMEDIATE
    ):
        raise Refusal("only a limit order that rests can be post-only", code="POST_ONLY")


def numbers_check(
    rules: InstrumentRules,
    *,
    order_type: OrderType,
    quantity: Decimal,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
) -> None:
    """Refuse quantities and prices off the instrument's steps, and prices that are missing."""
    if quantity <= 0 or quantity % rules.lot_size:
        raise Refusal(
            f"quantity {quantity} is not a positive multiple of {rules.lot_size}", code="LOT"
        )
    needs = (
        ("limit", limit_price, order_type in LIMITED),
        ("stop", stop_price, order_type in TRIGGERED),
    )
    for name, price, is_needed in needs:
        if price is None and is_needed:
            raise Refusal(f"a {order_type} order needs a {name} price", code="PRICE")
        if price is not None and (price <= 0 or price % rules.tick_size):
            raise Refusal(
                f"{name} price {price} is not a positive multiple of {rules.tick_size}",
                code="TICK",
            )


def expiry_check(terms: OrderTerms, *, now: datetime) -> None:
    """Refuse a good-till-date order whose end is missing or past."""
    if terms.time_in_force is not TimeInForce.GTD:
        return
    if terms.expires_at is None or terms.expires_at <= now:
        raise Refusal(
            f"a GTD order needs an end after {now.isoformat()}, was {terms.expires_at}",
            code="EXPIRY",
        )
