"""Decides when an order that is not in the book can never have arrived.

While the session runs, silence proves nothing: a request may still be on its way. After the session
has ended it can no longer be taken, and what was taken that day stays in the day's order book until
midnight in India. So two looks at that book, both after the end and some time apart, that find no
order with the tag, prove that there was none. On the next day the book is another one and proves
nothing any more: then a person compares the contract note, and says what became of the order.

A desk may choose not to wait for the end of the day: ``DESK_ANGELONE_ABSENCE_SECONDS`` says for how
long the book must be without the tag. It is a judgement and no proof. Should the order arrive after
all, its report is refused as that of an order that has ended, which opens a break.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.core.cache import cache

from apps.brokers.angelone.rows import VenueOrder
from apps.brokers.angelone.words import INDIA, in_india
from apps.brokers.models import AngelOneSentOrder
from apps.core.clock import now
from apps.marketdata.domain.sessions import session_at

SETTLED_AFTER = timedelta(minutes=15)
"""After the close: the broker's book has caught up with the exchange by then."""

BETWEEN_LOOKS = timedelta(seconds=60)
_CALENDAR = "XNSE"
_LAST_MINUTE = time(23, 40)


def absence_evidence(
    *, sent: AngelOneSentOrder, look: Callable[[], VenueOrder | None]
) -> str | None:
    """Return the sentence that proves that an order never arrived, or None.

    Args:
        sent: It was begun to be sent, and no answer came.
        look: Reads the order book of the day; a failed read raises.
    """
    moment = now()
    ended_at = session_end(sent.sent_at)
    is_proof = ended_at is not None and _book_is_final(moment, ended_at)
    between = BETWEEN_LOOKS if is_proof else _chosen_patience(sent.sent_at, moment)
    if between is None:
        return None
    first = _first_look(sent, moment, look, key="closed" if is_proof else "open")
    if first is None or moment - first < between:
        return None
    why = "after the session had ended" if is_proof else "as long as this desk has chosen to wait"
    return (
        f"it was sent at {in_india(sent.sent_at):%H:%M:%S} in India and is not in that day's order "
        f"book, which was read at {first.isoformat()} and {moment.isoformat()}, {why}: "
        "it never arrived"
    )


def _chosen_patience(sent_at: datetime, moment: datetime) -> timedelta | None:
    """Return for how long the book of the same day must be without the tag; None: not chosen."""
    seconds: int = settings.ANGELONE_ABSENCE_SECONDS
    if not seconds or in_india(sent_at).date() != in_india(moment).date():
        return None
    return timedelta(seconds=seconds)


def _first_look(
    sent: AngelOneSentOrder, moment: datetime, look: Callable[[], VenueOrder | None], *, key: str
) -> datetime | None:
    """Look; return when the first look was that found nothing, None if this is it or it is there.

    Looks at the book of an open day and of a closed one do not count together.
    """
    place = f"angelone:absent:{key}:{sent.account_id}:{sent.pk}"
    if look() is not None:
        cache.delete(place)
        return None
    first: str | None = cache.get(place)
    if first is None:
        cache.set(place, moment.isoformat(), timeout=24 * 3600)
        return None
    return datetime.fromisoformat(first)


def session_end(sent_at: datetime) -> datetime | None:
    """Return when the session ended in which an order was sent (UTC).

    Returns:
        None where it was sent outside a session: the broker may have kept it for the next one.
    """
    state = session_at(_CALENDAR, sent_at)
    return state.closes_at if state.is_open else None


def _book_is_final(moment: datetime, ended_at: datetime) -> bool:
    """Tell whether the book shows the day of that session, complete, and still does."""
    day = in_india(ended_at).date()
    last = datetime.combine(day, _LAST_MINUTE, tzinfo=INDIA).astimezone(UTC)
    return ended_at + SETTLED_AFTER <= moment <= last
