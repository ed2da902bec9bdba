"""Sets how an account trades at Bybit: leverage, margin mode, one-way or hedge mode."""

from decimal import Decimal
from enum import StrEnum

from apps.brokers.bybit.codes import CodeRefused, Meaning, refusal_error
from apps.brokers.bybit.endpoints import Ask
from apps.brokers.bybit.modes import MODES
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.terms import rejected_here, venue_of
from apps.core.money import plain


class MarginMode(StrEnum):
    """How positions of the account share their margin, in Bybit's words."""

    CROSS = "REGULAR_MARGIN"
    ISOLATED = "ISOLATED_MARGIN"


_ONE_WAY, _HEDGE = 0, 3


def leverage_set(session: BybitSession, *, symbol: str, leverage: Decimal) -> None:
    """Set the leverage of a perpetual, long and short alike; as it was already is fine.

    Raises:
        BrokerError: One of the five meanings.
    """
    venue = venue_of(symbol)
    if venue.category != "linear" or not leverage.is_finite() or leverage < 1:
        raise rejected_here(f"{symbol} cannot have a leverage of {leverage}", "LEVERAGE")
    times = plain(leverage)
    _write(
        session,
        Ask.LEVERAGE,
        category="linear",
        symbol=venue.code,
        buyLeverage=times,
        sellLeverage=times,
    )


def margin_mode_set(session: BybitSession, *, mode: MarginMode) -> None:
    """Let all positions share the account's margin, or give each its own.

    Raises:
        BrokerError: One of the five meanings.
    """
    _write(session, Ask.MARGIN_MODE, setMarginMode=mode.value)


def hedge_mode_set(session: BybitSession, *, symbol: str, is_hedged: bool) -> None:
    """Hold long and short of a perpetual apart, or as one position.

    Raises:
        Rejected: Positions or orders are open on the symbol.
        BrokerError: Another of the five meanings.
    """
    venue = venue_of(symbol)
    try:
        _write(
            session,
            Ask.POSITION_MODE,
            category="linear",
            symbol=venue.code,
            mode=_HEDGE if is_hedged else _ONE_WAY,
        )
    finally:
        MODES.forget(session, venue)


def _write(session: BybitSession, ask: Ask, **params: object) -> None:
    try:
        session.call(ask, lambda result: result, **params)
    except CodeRefused as refused:
        if refused.meaning is not Meaning.DONE:
            raise refusal_error(refused, writes=True) from None
