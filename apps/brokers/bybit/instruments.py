"""Brings what Bybit lists into the desk's instruments, with every change on the record."""

from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from apps.brokers.bybit.endpoints import Ask
from apps.brokers.bybit.market import ListedInstrument
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.symbols import VENUE, VenueSymbol
from apps.brokers.bybit.wire import Body, Garbled, positive, rows
from apps.core.money import plain, stored
from apps.core.services import audit_record
from apps.marketdata.models import Instrument, InstrumentKind


def leverage_read(session: BybitSession, venue: VenueSymbol) -> Decimal:
    """Return the leverage that an account has set on a perpetual.

    Raises:
        BrokerError: It could not be read.
    """
    return session.ask(Ask.POSITIONS, _least_leverage, category="linear", symbol=venue.code)


def _least_leverage(result: Body) -> Decimal:
    found = [positive(row, "leverage") for row in rows(result)]
    if not found:
        raise Garbled("no position row tells the leverage")
    return min(found)


@transaction.atomic
def instrument_store(
    *,
    listed: ListedInstrument,
    leverage: Decimal | None = None,
    actor: AbstractBaseUser | None = None,
) -> tuple[Instrument, dict[str, str]]:
    """Create an instrument, or bring a stored one up to what is listed.

    Args:
        leverage: What the account that trades it has set; None: the margin stays as it is stored,
            and a new instrument ties up all of its notional.

    Returns:
        The instrument, and what changed in words by field.
    """
    facts: dict[str, object] = {
        "tick_size": listed.tick_size,
        "lot_size": listed.lot_size,
        "minimum_notional": listed.minimum_notional,
        "maximum_quantity": listed.maximum_quantity,
        "is_tradable": listed.is_trading,
    }
    if leverage is not None:
        facts["initial_margin_ratio"] = stored(1 / leverage)
    is_linear = listed.venue.category == "linear"
    instrument, is_new = Instrument.objects.select_for_update().get_or_create(
        symbol=listed.venue.symbol,
        defaults={
            **facts,
            "venue": VENUE,
            "kind": InstrumentKind.PERPETUAL if is_linear else InstrumentKind.SPOT,
            "quote_currency": listed.quote_coin,
        },
    )
    if is_new:
        changes = {name: _word(value) for name, value in facts.items()}
    else:
        changes = _changed(instrument, facts)
    if changes:
        audit_record(
            action="instrument.listed" if is_new else "instrument.relisted",
            subject=instrument,
            actor=actor,
            process="bybit_instruments",
            details=changes,
        )
    return instrument, changes


def _changed(instrument: Instrument, facts: dict[str, object]) -> dict[str, str]:
    changes = {
        name: f"{_word(getattr(instrument, name))} -> {_word(value)}"
        for name, value in facts.items()
        if getattr(instrument, name) != value
    }
    for name in changes:
        setattr(instrument, name, facts[name])
    if changes:
        instrument.save(update_fields=list(changes))
    return changes


def _word(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)
