"""The venue's other side, which only tests use: prices, clock, rules, money and faults."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.venues.loopback.book import plain
from tests.venues.loopback.faults import rule_read
from tests.venues.loopback.fields import Fields, Refusal
from tests.venues.loopback.terms import settings_read, settings_wire
from tests.venues.loopback.trading import (
    order_execute,
    order_known,
    orders_end_session,
    orders_meet_price,
)
from tests.venues.loopback.venue import Answer, Venue

Asked = Mapping[str, Any]


def price_set(venue: Venue, asked: Asked) -> Answer:
    """Set bid, ask and last of a symbol, with fresh liquidity; waiting orders meet it at once."""
    with venue.at_work() as recorder:
        read = Fields(asked)
        symbol, last = read.text("symbol"), read.decimal("last")
        bid, ask = read.decimal("bid", plain(last)), read.decimal("ask", plain(last))
        liquidity = read.decimal_or_none("liquidity")
        levels = read.count("levels", default=1)
        step = read.decimal("step", plain(recorder.state.rules(symbol).tick_size))
        read.done()
        if not 0 < bid <= ask or last <= 0 or not levels or step <= 0:
            raise Refusal(
                f"prices must be positive, bid {bid} not above ask {ask}, and levels 1 or more",
                code="MARKET",
            )
        recorder.emit(
            "price",
            symbol=symbol,
            bid=plain(bid),
            ask=plain(ask),
            last=plain(last),
            liquidity=None if liquidity is None else plain(liquidity),
            levels=levels,
            step=plain(step),
        )
        orders_meet_price(recorder, symbol)
    return {}


def settings_set(venue: Venue, asked: Asked) -> Answer:
    """Change how the venue is; what is not named stays."""
    with venue.at_work() as recorder:
        changed = settings_wire(settings_read(asked, recorder.state.settings))
        recorder.emit("settings", settings=changed)
    return changed


def instrument_set(venue: Venue, asked: Asked) -> Answer:
    """Set how a symbol is traded."""
    with venue.at_work() as recorder:
        read = Fields(asked)
        symbol = read.text("symbol")
        known = recorder.state.rules(symbol)
        rules = {
            "symbol": symbol,
            "tick_size": plain(read.decimal("tick_size", plain(known.tick_size))),
            "lot_size": plain(read.decimal("lot_size", plain(known.lot_size))),
            "multiplier": plain(read.decimal("multiplier", plain(known.multiplier))),
            "is_perpetual": read.flag("is_perpetual", default=known.is_perpetual),
            "currency": read.text_or_none("currency") or known.currency,
        }
        read.done()
        recorder.emit("instrument", rules=rules)
    return rules


def account_set(venue: Venue, asked: Asked) -> Answer:
    """Set an account's cash in one currency, opening the account if need be."""
    with venue.at_work() as recorder:
        read = Fields(asked)
        opened = {
            "account": read.text("account"),
            "currency": read.text("currency", recorder.state.settings.currency),
            "cash": plain(read.decimal("cash")),
        }
        read.done()
        recorder.emit("opened", **opened)
    return opened


def clock_set(venue: Venue, asked: Asked) -> Answer:
    """Make the venue's clock stand, or run again with null; what is due by then expires."""
    read = Fields(asked)
    moment = read.moment_or_none("now")
    read.done()
    with venue.at_work() as recorder:
        recorder.emit("clock", now=_iso(moment))
    with venue.at_work():
        return {"now": _iso(moment)}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def session_end(venue: Venue, asked: Asked) -> Answer:
    """Expire the orders for the day."""
    with venue.at_work() as recorder:
        return {"expired": orders_end_session(recorder)}


def order_fill(venue: Venue, asked: Asked) -> Answer:
    """Execute some of an order by force, beyond its quantity and after its end if so asked."""
    with venue.at_work() as recorder:
        read = Fields(asked)
        name, client_order_id = read.text("account"), read.text("client_order_id")
        quantity, price = read.decimal("quantity"), read.decimal("price")
        read.done()
        account = recorder.state.accounts.get(name)
        if account is None:
            raise Refusal(f"account {name} has never spoken", code="NOT_FOUND", status=404)
        order = order_known(account, client_order_id)[-1]
        order_execute(recorder, order, quantity=quantity, price=price)
        return order.wire()


def fault_add(venue: Venue, asked: Asked) -> Answer:
    """Put a fault into force."""
    with venue.at_work() as recorder:
        recorder.faults.add(rule_read(asked))
    return {}


def faults_clear(venue: Venue, asked: Asked) -> Answer:
    """End all faults; reports that one keeps back stay back until they are released."""
    with venue.at_work() as recorder:
        recorder.faults.clear()
    return {}


def reports_release(venue: Venue, asked: Asked) -> Answer:
    """Publish all that is kept back."""
    with venue.at_work() as recorder:
        return {"released": recorder.release_all()}


def state_tell(venue: Venue, asked: Asked) -> Answer:
    """Tell how much there is, for a test that waits."""
    with venue.at_work() as recorder:
        state = recorder.state
        accounts = state.accounts.values()
        return {
            "orders": state.orders,
            "trades": state.trades,
            "working": sum(len(account.working) for account in accounts),
            "held_reports": sum(len(account.held) for account in accounts),
            "settings": settings_wire(state.settings),
        }


CONTROLS = {
    "price": price_set,
    "settings": settings_set,
    "instrument": instrument_set,
    "account": account_set,
    "clock": clock_set,
    "session-end": session_end,
    "fill": order_fill,
    "fault": fault_add,
    "faults-clear": faults_clear,
    "release": reports_release,
    "state": state_tell,
}
