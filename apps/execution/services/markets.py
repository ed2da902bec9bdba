"""Tells in which market an order is decided: of a simulation its bar, else what the venue shows."""

from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from decimal import Decimal

from django.db.models import Exists, OuterRef

from apps.accounts.models import Broker, TradingAccount
from apps.core.clock import standing_at, wall_now
from apps.execution.selectors import MarketNow
from apps.execution.services.runs import DeploymentRun, OrderRun
from apps.marketdata.domain.quotes import QuoteView, quote_around
from apps.marketdata.domain.sessions import session_at
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument, Quote
from apps.marketdata.selectors import price_newest, quote_latest
from apps.marketdata.services import quote_record
from apps.orders.models import Order


class MarketUnknown(LookupError):
    """Nothing is known of an instrument's price."""


def market_at_close(*, run: DeploymentRun, instrument: Instrument, bar: Bar) -> MarketNow:
    """Return the market right after a bar has closed.

    In a simulation the bar is the market, and it is always in session: its next bar will come.
    """
    if run.is_simulated:
        quote = quote_around(bar.close, tick_size=instrument.tick_size)
        return MarketNow(
            as_of=bar.close_at,
            reference_price=bar.close,
            quote=quote,
            price_age_seconds=Decimal(0),
        )
    return _market_live(instrument, reference_price=bar.close, priced_at=bar.close_at)


def market_now(*, run: OrderRun, instrument: Instrument) -> MarketNow:
    """Return the market for a managed order, as ``market_for`` does."""
    return market_for(account=run.account, instrument=instrument)


def market_for(*, account: TradingAccount, instrument: Instrument) -> MarketNow:
    """Return the market in which an order of the account would be decided now.

    Raises:
        MarketUnknown: There is neither a quote nor a bar of the instrument.
    """
    newest = price_newest(instrument=instrument)
    if newest is None:
        raise MarketUnknown(
            f"nothing is known of the price of {instrument}; start its feed or import candles"
        )
    view, priced_at = newest.view, newest.known_at
    if account.broker == Broker.PAPER:
        return MarketNow(
            as_of=priced_at, reference_price=view.last, quote=view, price_age_seconds=Decimal(0)
        )
    return _market_live(instrument, reference_price=view.last, priced_at=priced_at)


def market_time(*, account: TradingAccount) -> AbstractContextManager[None]:
    """Return a context that stands at the time of the account's market: of a simulation its bars.

    That is the latest among the instruments that the account holds or has orders on.
    """
    if account.broker != Broker.PAPER:
        return nullcontext()
    traded = Instrument.objects.filter(
        Exists(Order.objects.filter(account=account, instrument=OuterRef("pk")))
    )
    moments = []
    for instrument in traded:
        with suppress(MarketUnknown):  # an instrument without prices has no time either
            moments.append(market_for(account=account, instrument=instrument).as_of)
    return standing_at(max(moments)) if moments else nullcontext()


def market_show(*, account: TradingAccount, instrument: Instrument, market: MarketNow) -> None:
    """Let a simulation's market stand as the quote where only its bars are known.

    What is decided in that market is measured against it, and not against an older quote.
    """
    if account.broker != Broker.PAPER or market.quote is None:
        return
    known = quote_latest(instrument=instrument)
    if known is None or known.quoted_at < market.as_of:
        quote_record(
            instrument=instrument,
            quote=market.quote,
            source=Quote.Source.BAR,
            quoted_at=market.as_of,
        )


def _market_live(
    instrument: Instrument, *, reference_price: Decimal, priced_at: datetime
) -> MarketNow:
    """Return the market with its quote, unless the price at hand is newer than that."""
    moment = wall_now()
    known = quote_latest(instrument=instrument)
    view: QuoteView | None = None
    if known is not None and known.quoted_at >= priced_at:
        view, priced_at = known.to_view(), known.quoted_at
    session = session_at(instrument.calendar, moment)
    age = Decimal(str((moment - priced_at).total_seconds()))
    return MarketNow(
        as_of=moment,
        reference_price=reference_price,
        quote=view,
        price_age_seconds=max(age, Decimal(0)),
        session_is_open=session.is_open,
        session_note=session.note,
    )
