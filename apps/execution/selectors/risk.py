"""Reads the snapshot that the risk gate decides on."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.accounts.models import TradingAccount
from apps.execution.selectors.working import (
    may_enlarge,
    prices_with_working,
    working_notional,
)
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.models import Instrument
from apps.orders.models import Order
from apps.orders.selectors import (
    freeze_reason,
    order_list_fillable,
    order_pace,
    order_times_sent,
)
from apps.positions.selectors import (
    AccountBooks,
    account_books_priced,
    equity_marks,
    position_quantity,
)
from apps.reconciliation.selectors import account_is_reconciled
from apps.risk.domain.token_bucket import tokens_left, window_of
from apps.risk.domain.types import LimitValue, RateBucket, RiskContext, WorkingOrder
from apps.risk.selectors import limit_list_applying, throttle_of, trading_state_effective
from apps.strategies.models import Deployment

_BURST_SECONDS = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketNow:
    """The market that an order is decided in.

    Attributes:
        as_of: Market time of the decision (UTC).
        reference_price: What the order is valued at, quote currency.
        quote: Newest bid, ask and last; None where nothing is known.
        price_age_seconds: Age of the newest price; None when there is none.
        session_is_open, session_note: Whether the market trades.
    """

    as_of: datetime
    reference_price: Decimal
    quote: QuoteView | None = None
    price_age_seconds: Decimal | None = None
    session_is_open: bool = True
    session_note: str = ""


def prices_of(
    *, account: TradingAccount, timeframe: str | None, known: dict[int, Decimal]
) -> dict[int, Decimal]:
    """Return the last close of every instrument that the account holds.

    Args:
        timeframe: Bars to look at; None: whichever are newest.
        known: Prices at hand, by instrument id; they outweigh what is stored.
    """
    return _prices(account_books_priced(account=account, timeframe=timeframe), known)


def risk_context(
    *,
    account: TradingAccount,
    deployment: Deployment | None,
    instrument: Instrument,
    market: MarketNow,
    desk_started_at: datetime | None,
) -> RiskContext:
    """Read the snapshot.

    Args:
        deployment: Who asks; None for orders by hand.
        desk_started_at: The account must have been reconciled since; None: ever.
    """
    stopped, executions_since = None, market.as_of
    if deployment is not None:
        stopped, executions_since = throttle_of(deployment=deployment, as_of=market.as_of)
    orders = order_list_fillable(account=account)
    return RiskContext(
        as_of=market.as_of,
        is_throttled=stopped is not None,
        throttle_reason=stopped or "",
        **_switches(account, deployment, instrument, desk_started_at),
        **_terms(instrument, market),
        **_books(account, deployment, instrument, market, orders),
        **_limits(account, deployment, instrument, market.as_of),
        **_pace(account, deployment, market.as_of, executions_since),
        working=_working(orders, instrument, deployment),
    )


def _switches(
    account: TradingAccount,
    deployment: Deployment | None,
    instrument: Instrument,
    desk_started_at: datetime | None,
) -> dict[str, Any]:
    state, reason = trading_state_effective(
        account=account, deployment=deployment, instrument=instrument
    )
    frozen = freeze_reason(account=account, instrument=instrument)
    return {
        "trading_state": state,
        "trading_state_reason": reason,
        "is_frozen": frozen is not None,
        "freeze_reason": frozen or "",
        "is_reconciled": account_is_reconciled(account=account, since=desk_started_at),
    }


def _terms(instrument: Instrument, market: MarketNow) -> dict[str, Any]:
    return {
        "instrument_is_tradable": instrument.is_tradable,
        "session_is_open": market.session_is_open,
        "session_note": market.session_note,
        "reference_price": market.reference_price,
        "last_price": market.quote.last if market.quote else None,
        "mid_price": market.quote.mid if market.quote else None,
        "price_age_seconds": market.price_age_seconds,
        "multiplier": instrument.multiplier,
        "tick_size": instrument.tick_size,
        "lot_size": instrument.lot_size,
        "minimum_notional": instrument.minimum_notional,
        "initial_margin_ratio": instrument.initial_margin_ratio,
    }


def _books(
    account: TradingAccount,
    deployment: Deployment | None,
    instrument: Instrument,
    market: MarketNow,
    orders: list[Order],
) -> dict[str, Any]:
    books = account_books_priced(
        account=account, timeframe=deployment.timeframe if deployment else None
    )
    prices, unpriced = prices_with_working(
        orders, _prices(books, {instrument.pk: market.reference_price})
    )
    gross, net = _exposure(account, books, prices, orders)
    marks = equity_marks(account=account, as_of=market.as_of)
    equity = books.cash + books.holdings_worth(prices)
    return {
        "position_quantity": position_quantity(
            account=account, instrument=instrument, deployment=deployment
        ),
        "account_position_quantity": books.quantity_of(instrument.pk),
        "gross_notional": gross,
        "net_notional": net,
        "working_unpriced": unpriced,
        **_elsewhere(instrument, books, prices, orders),
        "equity": equity,
        "margin_available": _margin_available(instrument, equity, books, prices, orders),
        "equity_at_day_start": marks.day_start,
        "equity_peak": marks.peak,
    }


def _elsewhere(
    instrument: Instrument,
    books: AccountBooks,
    prices: dict[int, Decimal],
    orders: list[Order],
) -> dict[str, Decimal]:
    others = [order for order in orders if order.instrument_id != instrument.pk]
    working = working_notional(others, books, prices)
    return {
        "working_notional_elsewhere": working.growth,
        "working_buys_elsewhere": working.buys,
        "working_sells_elsewhere": working.sells,
    }


def _margin_available(
    instrument: Instrument,
    equity: Decimal,
    books: AccountBooks,
    prices: dict[int, Decimal],
    orders: list[Order],
) -> Decimal | None:
    """Return the equity that neither positions nor working orders tie up.

    None for an instrument that is traded at its full price: cash and limits bound it.
    """
    if instrument.initial_margin_ratio >= 1:
        return None
    tied = books.margin_tied(prices)
    for ratio in {order.instrument.initial_margin_ratio for order in orders}:
        alike = [order for order in orders if order.instrument.initial_margin_ratio == ratio]
        tied += working_notional(alike, books, prices).growth * ratio
    return equity - tied


def _limits(
    account: TradingAccount,
    deployment: Deployment | None,
    instrument: Instrument,
    as_of: datetime,
) -> dict[str, Any]:
    limits = limit_list_applying(account=account, deployment=deployment, instrument=instrument)
    return {"limits": limits, "rate_buckets": _rate_buckets(account, instrument, limits, as_of)}


def _pace(
    account: TradingAccount,
    deployment: Deployment | None,
    as_of: datetime,
    executions_since: datetime,
) -> dict[str, Any]:
    pace = order_pace(
        account=account, deployment=deployment, as_of=as_of, executions_since=executions_since
    )
    return {
        "open_orders": pace.open_orders,
        "orders_last_second": pace.last_second,
        "orders_today": pace.today,
        "trades_today": pace.trades_today,
        "executions_in_window": pace.executions,
    }


def _prices(books: AccountBooks, known: dict[int, Decimal]) -> dict[int, Decimal]:
    return {**{held.instrument_id: held.price for held in books.holdings}, **known}


def _exposure(
    account: TradingAccount,
    books: AccountBooks,
    prices: dict[int, Decimal],
    orders: list[Order],
) -> tuple[Decimal | None, Decimal | None]:
    """Return gross and net notional; None where a position or order is in another currency."""
    currencies = {held.quote_currency for held in books.holdings}
    currencies |= {order.instrument.quote_currency for order in may_enlarge(orders)}
    if currencies - {account.base_currency}:
        return None, None
    worths = [held.notional(prices[held.instrument_id]) for held in books.holdings]
    return sum(map(abs, worths), Decimal(0)), sum(worths, Decimal(0))


def _working(
    orders: list[Order], instrument: Instrument, deployment: Deployment | None
) -> tuple[WorkingOrder, ...]:
    return tuple(
        WorkingOrder(
            client_order_id=order.client_order_id,
            side=order.side,
            quantity=order.leaves_quantity,
            limit_price=_offered_at(order),
            decided_at=order.decided_at,
            is_own=order.deployment_id == (deployment.pk if deployment else None),
            reduce_only=order.reduce_only,
        )
        for order in orders
        if order.instrument_id == instrument.pk
    )


def _offered_at(order: Order) -> Decimal | None:
    """Return the price at which others can trade with it; a stop is no offer until it triggers."""
    return order.limit_price if order.order_type == "LIMIT" else None


def _rate_buckets(
    account: TradingAccount, instrument: Instrument, limits: tuple[LimitValue, ...], as_of: datetime
) -> tuple[RateBucket, ...]:
    """Return a bucket of client, exchange and segment for each rate limit that applies."""
    return tuple(
        _bucket(account, instrument, limit, as_of)
        for limit in limits
        if limit.kind == "ORDER_RATE" and not limit.is_soft
    )


def _bucket(
    account: TradingAccount, instrument: Instrument, limit: LimitValue, as_of: datetime
) -> RateBucket:
    is_desk = limit.scope == "desk"
    who = "the desk" if is_desk else account.name
    name = f"{who} at {instrument.venue}, {instrument.get_kind_display().lower()}"
    if limit.value <= 0:
        return RateBucket(name=name, orders_per_second=limit.value, tokens=Decimal(0))
    burst = max(limit.value * _BURST_SECONDS, Decimal(1))
    taken_at = order_times_sent(
        account=None if is_desk else account,
        instrument=instrument,
        since=as_of - window_of(orders_per_second=limit.value, burst=burst),
    )
    tokens = tokens_left(
        taken_at=taken_at, moment=as_of, orders_per_second=limit.value, burst=burst
    )
    return RateBucket(name=name, orders_per_second=limit.value, tokens=tokens)
