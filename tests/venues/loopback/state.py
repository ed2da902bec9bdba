"""Everything the venue knows. It changes by events alone, so that a journal of them rebuilds it."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.venues.loopback.book import (
    ZERO,
    Account,
    Held,
    Market,
    Position,
    VenueOrder,
    plain,
    ten_places,
)
from tests.venues.loopback.terms import (
    InstrumentRules,
    OrderTerms,
    OrderType,
    Side,
    Status,
    TimeInForce,
    VenueSettings,
    settings_read,
)

Event = dict[str, Any]


@dataclass(slots=True)
class VenueState:
    """The venue's memory. Only ``apply`` changes it."""

    settings: VenueSettings = field(default_factory=VenueSettings)
    instruments: dict[str, InstrumentRules] = field(default_factory=dict)
    markets: dict[str, Market] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    clock: datetime | None = None
    orders: int = 0
    trades: int = 0
    reports: int = 0
    cancel_alls: int = 0
    expiring: list[tuple[datetime, str, str]] = field(default_factory=list)

    def rules(self, symbol: str) -> InstrumentRules:
        return self.instruments.get(symbol) or InstrumentRules(symbol=symbol)

    def currency(self, symbol: str) -> str:
        return self.rules(symbol).currency or self.settings.currency

    def apply(self, event: Event) -> None:
        """Change the state as an event says; the same events give the same state."""
        APPLIERS[event["kind"]](self, event)


def _settings(state: VenueState, event: Event) -> None:
    state.settings = settings_read(event["settings"], VenueSettings())


def _instrument(state: VenueState, event: Event) -> None:
    rules = rules_from(event["rules"])
    state.instruments[rules.symbol] = rules


def rules_from(body: dict[str, Any]) -> InstrumentRules:
    """Return an instrument's rules from the event that carries them."""
    numbers = {name: Decimal(body[name]) for name in ("tick_size", "lot_size", "multiplier")}
    return InstrumentRules(**{**body, **numbers})


def _clock(state: VenueState, event: Event) -> None:
    state.clock = None if event["now"] is None else datetime.fromisoformat(event["now"])


def _opened(state: VenueState, event: Event) -> None:
    account = state.accounts.setdefault(event["account"], Account(name=event["account"]))
    account.cash[event["currency"]] = Decimal(event["cash"])


def _price(state: VenueState, event: Event) -> None:
    liquidity = event["liquidity"]
    state.markets[event["symbol"]] = Market(
        bid=Decimal(event["bid"]),
        ask=Decimal(event["ask"]),
        last=Decimal(event["last"]),
        liquidity=None if liquidity is None else Decimal(liquidity),
        levels=event["levels"],
        step=Decimal(event["step"]),
    )
    for account in state.accounts.values():
        for key in [key for key in account.taken if key[0] == event["symbol"]]:
            del account.taken[key]


def _accepted(state: VenueState, event: Event) -> None:
    terms = terms_from(event["terms"])
    account = state.accounts[event["account"]]
    order = VenueOrder(
        account=account.name,
        venue_order_id=event["venue_order_id"],
        terms=terms,
        quantity=terms.quantity,
        limit_price=terms.limit_price,
        stop_price=terms.stop_price,
        status=Status(event["status"]),
        updated_at=event["at"],
    )
    account.orders[order.venue_order_id] = order
    account.working[order.venue_order_id] = order
    account.by_client_id.setdefault(terms.client_order_id, []).append(order)
    state.orders += 1
    if terms.time_in_force is TimeInForce.GTD and terms.expires_at is not None:
        due = (terms.expires_at, account.name, order.venue_order_id)
        heapq.heappush(state.expiring, due)


def terms_event(terms: OrderTerms) -> dict[str, Any]:
    """Return an order's terms as an event carries them."""
    carried = {}
    for item in fields(terms):
        value = getattr(terms, item.name)
        if isinstance(value, Decimal):
            value = plain(value)
        carried[item.name] = value.isoformat() if isinstance(value, datetime) else value
    return carried


def terms_from(body: dict[str, Any]) -> OrderTerms:
    """Return an order's terms from the event that carries them."""
    prices = {name: _decimal(body[name]) for name in ("limit_price", "stop_price")}
    expires_at = body["expires_at"]
    return OrderTerms(
        client_order_id=body["client_order_id"],
        symbol=body["symbol"],
        side=Side(body["side"]),
        order_type=OrderType(body["order_type"]),
        time_in_force=TimeInForce(body["time_in_force"]),
        quantity=Decimal(body["quantity"]),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        post_only=body["post_only"],
        reduce_only=body["reduce_only"],
        **prices,
    )


def _decimal(raw: str | None) -> Decimal | None:
    return None if raw is None else Decimal(raw)


def _order(state: VenueState, event: Event) -> VenueOrder:
    order = state.accounts[event["account"]].orders[event["venue_order_id"]]
    order.updated_at = event["at"]
    order.text = event.get("text", "")
    return order


def _amended(state: VenueState, event: Event) -> None:
    order = _order(state, event)
    for name, value in event["changes"].items():
        setattr(order, name, Decimal(value))


def _triggered(state: VenueState, event: Event) -> None:
    _order(state, event).is_triggered = True


def _closed(state: VenueState, event: Event) -> None:
    order = _order(state, event)
    order.status = Status(event["status"])
    state.accounts[order.account].working.pop(order.venue_order_id, None)


def _filled(state: VenueState, event: Event) -> None:
    order = _order(state, event)
    account = state.accounts[order.account]
    quantity, price = Decimal(event["quantity"]), Decimal(event["price"])
    order.filled_quantity += quantity
    if order.leaves <= 0:
        order.status = Status.FILLED
        account.working.pop(order.venue_order_id, None)
    elif order.is_working:
        order.status = Status.PARTIALLY_FILLED
    if event["level"] is not None:
        key = (order.terms.symbol, order.terms.side, event["level"])
        account.taken[key] = account.taken.get(key, ZERO) + quantity
    state.trades += 1
    _settle(state, account, order, quantity=quantity, price=price, event=event)


def _settle(
    state: VenueState,
    account: Account,
    order: VenueOrder,
    *,
    quantity: Decimal,
    price: Decimal,
    event: Event,
) -> None:
    """Move position and cash: a perpetual pays results, all else pays its price."""
    rules = state.rules(order.terms.symbol)
    signed = order.terms.side.sign * quantity
    position = account.positions.setdefault(rules.symbol, Position())
    realized = position.move(signed=signed, price=price, multiplier=rules.multiplier)
    paid = ten_places(Fraction(signed) * Fraction(price) * Fraction(rules.multiplier))
    change = realized if rules.is_perpetual else -paid
    currency = event["commission_currency"]
    cash = account.cash.get(currency, ZERO)
    account.cash[currency] = cash + change - Decimal(event["commission"])


def _reported(state: VenueState, event: Event) -> None:
    account = state.accounts[event["account"]]
    state.reports += 1
    if event["hold"] is not None:
        hold = event["hold"]
        account.held[event["report_id"]] = Held(
            report=event["report"], reports_to_go=hold["reports"], until=hold["until"]
        )
        return
    account.stream.extend([event["report"]] * event["copies"])
    for held in account.held.values():
        if held.reports_to_go is not None:
            held.reports_to_go -= 1


def _released(state: VenueState, event: Event) -> None:
    account = state.accounts[event["account"]]
    account.stream.append(account.held.pop(event["report_id"]).report)


def _cancel_all(state: VenueState, event: Event) -> None:
    state.cancel_alls += 1


APPLIERS: dict[str, Callable[[VenueState, Event], None]] = {
    "settings": _settings,
    "instrument": _instrument,
    "clock": _clock,
    "opened": _opened,
    "price": _price,
    "accepted": _accepted,
    "amended": _amended,
    "triggered": _triggered,
    "closed": _closed,
    "filled": _filled,
    "reported": _reported,
    "released": _released,
    "cancel_all": _cancel_all,
}
