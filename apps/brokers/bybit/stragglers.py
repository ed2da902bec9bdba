"""Finds out how orders ended that the desk believes to work and Bybit no longer lists as working.

The history is listed by the day an order was made, and lags: an old order that ends today, or one
that ended a moment ago, is in no list that a look at the last minutes brings. It is asked for.
"""

from collections.abc import Collection

from apps.accounts.models import TradingAccount
from apps.brokers.bybit.orders import order_row_find
from apps.brokers.bybit.rows import OrderRow
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.symbols import VENUE, venue_symbol
from apps.orders.models import Order
from apps.orders.selectors import WORKING_VALUES

MOST_AT_ONCE = 50
"""How many are asked for in one round; the rest in the next."""


def stragglers_read(
    session: BybitSession, account: TradingAccount, *, known: Collection[str]
) -> list[OrderRow]:
    """Return the ended orders among those that work at the desk and not in ``known``.

    Args:
        known: Client order ids of orders that the venue has just listed.

    Raises:
        BrokerError: One could not be asked for.
    """
    if not account.pk:
        return []
    working = Order.objects.filter(
        account=account, status__in=WORKING_VALUES, instrument__venue=VENUE
    ).order_by("pk")
    names = working.values_list("client_order_id", "instrument__symbol")
    missing = [(name, symbol) for name, symbol in names if name not in known]
    found = [
        order_row_find(session, venue_symbol(symbol), name)
        for name, symbol in missing[:MOST_AT_ONCE]
    ]
    return [row for row in found if row is not None and row.is_closed]
