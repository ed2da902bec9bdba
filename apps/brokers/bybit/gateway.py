"""Bybit behind the broker port."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from apps.accounts.models import TradingAccount
from apps.brokers.bybit.endpoints import Ask
from apps.brokers.bybit.holdings import balances_read, cash_movements_read, positions_read
from apps.brokers.bybit.modes import MODES
from apps.brokers.bybit.orders import order_change, order_end, order_look_up, order_send
from apps.brokers.bybit.reach import Reach, reach_of
from apps.brokers.bybit.reading import fill_page_read, open_orders_all, report_page_read
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.steps import amendment_steps_check, request_steps_check
from apps.brokers.bybit.symbols import NotOfBybit, VenueSymbol, venue_symbol
from apps.brokers.bybit.terms import (
    CAPABILITIES,
    Params,
    amendment_params,
    order_params,
    venue_of,
)
from apps.brokers.bybit.wire import Body, Garbled, identity, rows
from apps.core.clock import wall_now
from apps.orders.domain.ports import Rejected
from apps.orders.domain.types import (
    BalanceReport,
    BrokerCapabilities,
    CashMovement,
    FillReport,
    OrderAmendment,
    OrderReport,
    OrderRequest,
    PositionReport,
    ReportPage,
)

MOST_CANCELED_AT_ONCE = 500
_MOST_ROUNDS = 20
_SPOT_FILTERS = ("Order", "StopOrder", "tpslOrder")


def _slippage_setting() -> Decimal | None:
    return settings.BYBIT_SLIPPAGE_PERCENT or None


@dataclass(frozen=True, slots=True)
class BybitGateway:
    """One account at Bybit.

    Attributes:
        reach: What is read of the account; None: what the desk's instruments call for.
        slippage_percent: How far a market order that opens may slip; None: Bybit's own limit.
    """

    account: TradingAccount
    session: BybitSession
    reach: Reach | None = None
    slippage_percent: Decimal | None = field(default_factory=_slippage_setting)

    @property
    def capabilities(self) -> BrokerCapabilities:
        """Bybit refuses an id twice; exits, trailing stops and dates are the desk's to manage."""
        return CAPABILITIES

    def order_place(self, request: OrderRequest) -> OrderReport:
        """Send an order once. An id that Bybit has already taken is looked up instead."""
        venue = venue_of(request.symbol)
        # Once without an index: what is refused here needs no question to the venue
        order_params(request, position_index=0)
        request_steps_check(request)
        self.session.clock_require()
        params = order_params(
            request,
            position_index=MODES.index(self.session, venue, request),
            slippage_percent=self.slippage_percent,
        )
        try:
            return order_send(self.session, venue, request, params)
        except Rejected as refusal:
            if "position idx" in str(refusal).lower():
                MODES.forget(self.session, venue)
            raise

    def order_cancel(self, *, client_order_id: str, symbol: str) -> OrderReport:
        """Ask to cancel and return where the order stands; a closed one stays as it is."""
        return order_end(self.session, venue_of(symbol), client_order_id)

    def order_amend(self, amendment: OrderAmendment) -> OrderReport:
        """Change a working order and return where it stands on its new terms."""
        params = amendment_params(amendment)
        amendment_steps_check(amendment)
        return order_change(self.session, venue_of(amendment.symbol), amendment, params)

    def order_cancel_all(self, *, symbol: str | None = None) -> int:
        """Ask to cancel every working order, conditional ones included; 500 go at a time."""
        if symbol is None:
            reach = self._reach()
            places: list[Params] = [
                {"category": "linear", "settleCoin": coin} for coin in reach.settle_coins
            ]
            if reach.spot:
                places += [{"category": "spot", "orderFilter": kind} for kind in _SPOT_FILTERS]
        else:
            try:
                places = _places_of(venue_symbol(symbol))
            except NotOfBybit:
                return 0
        return sum(self._cancel_place(place) for place in places)

    def _cancel_place(self, place: Params) -> int:
        canceled: set[str] = set()
        for _ in range(_MOST_ROUNDS):
            ended = self.session.ask(Ask.CANCEL_ALL, _ended_ids, **place)
            if not ended - canceled:
                break
            canceled |= ended
            if len(ended) < MOST_CANCELED_AT_ONCE:
                break
        return len(canceled)

    def order_find(self, *, client_order_id: str, symbol: str) -> OrderReport | None:
        """Look an order up: working ones, history, executions."""
        try:
            venue = venue_symbol(symbol)
        except NotOfBybit:
            return None
        return order_look_up(self.session, venue, client_order_id)

    def order_list_open(self) -> list[OrderReport]:
        """Return every working order, conditional ones included."""
        return [row.report for row in open_orders_all(self.session, self._reach())]

    def reports_since(self, cursor: str) -> ReportPage:
        """Return what the venue's lists tell after a cursor; what came late is told again."""
        return report_page_read(self.session, self.account, self._reach(), cursor)

    def fill_list_since(self, cursor: str) -> tuple[list[FillReport], str]:
        """Return executions after a cursor, seven days at most, and the cursor to go on from."""
        return fill_page_read(self.session, self.account, self._reach(), cursor)

    def position_list(self) -> list[PositionReport]:
        """Return what is held."""
        return positions_read(self.session, self._reach())

    def balance_list(self) -> list[BalanceReport]:
        """Return the cash of every coin, unrealised results left out."""
        return balances_read(self.session, self._reach())

    def cash_movement_list(self, since: datetime) -> list[CashMovement]:
        """Return funding and transfers from a moment on."""
        until = wall_now() + timedelta(minutes=1)  # the venue's clock may be ahead of ours
        return cash_movements_read(self.session, since=since, until=until)

    def _reach(self) -> Reach:
        return reach_of(self.account) if self.reach is None else self.reach


def _places_of(venue: VenueSymbol) -> list[Params]:
    place: Params = {"category": venue.category, "symbol": venue.code}
    if venue.category == "linear":
        return [place]
    return [{**place, "orderFilter": kind} for kind in _SPOT_FILTERS]


def _ended_ids(result: Body) -> set[str]:
    if result.get("success", "1") != "1":
        raise Garbled("the cancel of all is answered without success")
    return {identity(row, "orderId") for row in rows(result)}
