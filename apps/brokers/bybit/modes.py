"""Knows whether an account holds a symbol in one-way or in hedge mode, as the venue says."""

import threading

from apps.brokers.bybit.endpoints import Ask
from apps.brokers.bybit.rows import position_row
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.symbols import VenueSymbol
from apps.brokers.bybit.wire import Body, rows
from apps.orders.domain.types import OrderRequest, Side

ONE_WAY, LONG, SHORT = 0, 1, 2


class PositionModes:
    """What the venue has said, shared by the threads of a process."""

    def __init__(self) -> None:
        self._hedged: dict[tuple[str, str, str], bool] = {}
        self._lock = threading.Lock()

    def index(self, session: BybitSession, venue: VenueSymbol, request: OrderRequest) -> int:
        """Return the position index of an order.

        In hedge mode an order that only reduces belongs to the side that it reduces.

        Raises:
            BrokerError: The venue could not be asked; nothing was sent.
        """
        if venue.category != "linear" or not self._is_hedged(session, venue):
            return ONE_WAY
        is_long = (request.side is Side.BUY) != request.reduce_only
        return LONG if is_long else SHORT

    def forget(self, session: BybitSession, venue: VenueSymbol) -> None:
        """Ask again next time: the venue has refused an index, or the mode was changed."""
        with self._lock:
            self._hedged.pop(_key(session, venue), None)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._hedged.clear()

    def _is_hedged(self, session: BybitSession, venue: VenueSymbol) -> bool:
        with self._lock:
            known = self._hedged.get(_key(session, venue))
        if known is not None:
            return known
        indexes = session.ask(Ask.POSITIONS, _indexes, category="linear", symbol=venue.code)
        is_hedged = bool(indexes - {ONE_WAY})
        with self._lock:
            self._hedged[_key(session, venue)] = is_hedged
        return is_hedged


def _key(session: BybitSession, venue: VenueSymbol) -> tuple[str, str, str]:
    return session.user, session.hosts.rest, venue.code


def _indexes(result: Body) -> set[int]:
    return {position_row(row, "linear")[0] for row in rows(result)}


MODES = PositionModes()
