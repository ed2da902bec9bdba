"""Whether a market trades at a moment, and when its session ends."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from apps.marketdata.domain import nse_sessions
from apps.marketdata.domain.calendars import NationalStockExchange, calendar_named
from apps.marketdata.domain.timeframes import Timeframe

_INDIA_AHEAD = timedelta(hours=5, minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """The market at one moment.

    Attributes:
        closes_at: End of the running session (UTC); of a market that never closes, the end of
            the UTC day, at which its day orders expire. None while it is closed.
        note: Why it is closed, or which session runs.
    """

    is_open: bool
    closes_at: datetime | None
    note: str


def session_at(calendar: str, moment: datetime) -> SessionState:
    """Return the state of a market.

    Args:
        calendar: Name as instruments carry it, such as ``24/7`` or ``XNSE``.
        moment: Aware.

    Raises:
        ValueError: There is no such calendar.
    """
    known = calendar_named(calendar)
    at = moment.astimezone(UTC)
    if isinstance(known, NationalStockExchange):
        return _in_india(known, at)
    minute = int(at.timestamp()) // 60 * 60
    if not known.opens_between(first=minute, last=minute, timeframe=Timeframe.M1).size:
        return SessionState(is_open=False, closes_at=None, note="weekend")
    return SessionState(is_open=True, closes_at=_next_midnight(at), note=known.note)


def _in_india(exchange: NationalStockExchange, at: datetime) -> SessionState:
    local = at + _INDIA_AHEAD
    day = local.date()
    if not exchange.is_trading_day(day):
        return SessionState(is_open=False, closes_at=None, note=f"{day} is no trading day at NSE")
    minute = local.hour * 60 + local.minute
    sessions = nse_sessions.SPECIAL_SESSIONS.get(day, (nse_sessions.REGULAR_SESSION,))
    for start, end in sessions:
        if start <= minute < end:
            return SessionState(
                is_open=True, closes_at=_moment(day, end), note="continuous trading"
            )
    hours = ", ".join(f"{_clock(start)} to {_clock(end)}" for start, end in sessions)
    return SessionState(is_open=False, closes_at=None, note=f"NSE trades {hours} in India that day")


def _moment(day: date, minute: int) -> datetime:
    midnight = datetime.combine(day, time.min, tzinfo=UTC)
    return midnight + timedelta(minutes=minute) - _INDIA_AHEAD


def _next_midnight(at: datetime) -> datetime:
    return datetime.combine(at.date() + timedelta(days=1), time.min, tzinfo=UTC)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
