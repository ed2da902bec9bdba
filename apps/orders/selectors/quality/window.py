"""Which orders a question about execution quality is about."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.contrib.auth.models import AnonymousUser
from django.db.models import Max

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_for
from apps.core.clock import wall_now
from apps.marketdata.models import Instrument
from apps.orders.models import Order

USUAL_WINDOW = timedelta(days=30)
LONGEST_WINDOW = timedelta(days=366)
_AFTER = timedelta(seconds=1)


class Grouping(StrEnum):
    """What orders of one group have in common."""

    STRATEGY = "strategy"
    INSTRUMENT = "instrument"
    BROKER = "broker"
    HOUR = "hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityWindow:
    """The orders that are asked about.

    Attributes:
        account_ids: All that the caller may read, or the one that they named.
        since, until: Market time of the decision (UTC), the first included, the second not.
        strategy: Name of a strategy; None: of all, and orders by hand.
        broker: Value of ``Broker``.
    """

    account_ids: tuple[int, ...]
    since: datetime
    until: datetime
    strategy: str | None = None
    instrument_id: int | None = None
    broker: str | None = None


def quality_window(
    user: User | AnonymousUser,
    *,
    account: TradingAccount | None = None,
    instrument: Instrument | None = None,
    strategy: str | None = None,
    broker: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QualityWindow:
    """Narrow a question to what the caller may read, and bound it in time.

    Args:
        since: None: 30 days before ``until``.
        until: None: right after the newest order of the accounts, so that a desk that replays
            last year's market is asked about last year. With ``since`` 366 days later at most.

    Raises:
        ValueError: The window is empty or longer than 366 days.
    """
    accounts = account_list_for(user)
    if account is not None:
        accounts = accounts.filter(pk=account.pk)
    account_ids = tuple(accounts.order_by("pk").values_list("pk", flat=True))
    end = until or _newest_end(account_ids)
    if until is None and since is not None:
        end = max(min(end, since + LONGEST_WINDOW), since + _AFTER)
    start = since or end - USUAL_WINDOW
    if start >= end:
        raise ValueError("from must be before to")
    if end - start > LONGEST_WINDOW:
        apart, most = (end - start).days, LONGEST_WINDOW.days
        raise ValueError(f"from and to are {apart} days apart; ask for {most} at most")
    return QualityWindow(
        account_ids=account_ids,
        since=start,
        until=end,
        strategy=strategy,
        instrument_id=None if instrument is None else instrument.pk,
        broker=broker,
    )


def _newest_end(account_ids: tuple[int, ...]) -> datetime:
    decided = Order.objects.filter(account__in=account_ids).aggregate(newest=Max("decided_at"))
    newest: datetime | None = decided["newest"]
    return (newest or wall_now()) + _AFTER
