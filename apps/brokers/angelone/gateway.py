"""Angel One behind the broker port.

There is no key that makes a request count once. So an order is written down before it is sent, no
id is ever sent a second time, and one whose outcome is not known is looked for by its tag in the
order book until the truth is known.
"""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.accounts.models import TradingAccount
from apps.brokers.angelone.absence import absence_evidence
from apps.brokers.angelone.answers import SessionRefused
from apps.brokers.angelone.client import AngelOneClient, Ask
from apps.brokers.angelone.fields import Garbled, needed_text, number_of, row_of, rows_of, text_of
from apps.brokers.angelone.journal import (
    bounded_stops,
    fills_named,
    journal_fills,
    journal_has_page,
    journal_is_fresh,
    journal_keep,
    journal_last,
    journal_page,
)
from apps.brokers.angelone.listings import listed
from apps.brokers.angelone.positions import positions_merged
from apps.brokers.angelone.rows import (
    VenueOrder,
    VenueTrade,
    holding_read,
    open_cost_read,
    order_read,
    position_read,
    trade_read,
)
from apps.brokers.angelone.terms import (
    amendment_words,
    conditions_check,
    request_words,
)
from apps.brokers.angelone.words import CURRENCY, ON_ITS_WAY
from apps.brokers.models import AngelOneSentOrder
from apps.core.clock import now
from apps.core.money import ZERO
from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from apps.orders.domain.states import FINAL, OrderStatus
from apps.orders.domain.types import (
    BalanceReport,
    BrokerCapabilities,
    FillReport,
    OrderAmendment,
    OrderReport,
    OrderRequest,
    OrderType,
    PositionReport,
    ReportPage,
    TimeInForce,
)

CAPABILITIES = BrokerCapabilities(
    attached_exits=False,
    deduplicates=False,
    absence_window_seconds=None,
    order_types=frozenset({OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT}),
    times_in_force=frozenset({TimeInForce.DAY}),
    amends=True,
    post_only=False,
    market_orders_by_algo=False,
)
_LOOKS = (0.0, 0.05, 0.1, 0.2, 0.4)  # seconds before each look
_DERIVATIVES = "CARRYFORWARD"
Answer = TypeVar("Answer")


class OrdersMixedUp(OutcomeUnknown):
    """Angel One answers about another order than the one asked about, or about several."""


PAISA = Decimal("0.01")


class AngelOneGateway:
    """One account at Angel One."""

    def __init__(
        self,
        account: TradingAccount,
        *,
        client: AngelOneClient | None = None,
        equity_product: str | None = None,
        stop_bound_bps: int | None = None,
    ) -> None:
        """Take what differs from the settings.

        Args:
            client: Asks for the account.
            equity_product: DELIVERY or INTRADAY.
            stop_bound_bps: How far beyond its trigger a stop may fill.
        """
        self.account = account
        self.client = client or AngelOneClient(account=account)
        self.equity_product = equity_product or settings.ANGELONE_EQUITY_PRODUCT
        self.stop_bound_bps = stop_bound_bps or settings.ANGELONE_STOP_BOUND_BPS

    @property
    def capabilities(self) -> BrokerCapabilities:
        """What Angel One takes from programs since April 2026."""
        return CAPABILITIES

    def order_place(self, request: OrderRequest) -> OrderReport:
        """Send an order once. An id that was sent before is looked up instead.

        A stop goes as a stop-limit order whose limit lies ``stop_bound_bps`` beyond its trigger.
        """
        conditions_check(request)
        there = listed(request.symbol)
        product = self.equity_product if there.exchange in ("NSE", "BSE") else _DERIVATIVES
        words = request_words(request, there, product=product, bound_bps=self.stop_bound_bps)
        sent = self._written_down(request)
        if sent is None:
            return self._sent_before(request)
        try:
            told = self.client.write(lambda it: it.placeOrderFullResponse(dict(words)))
        except SessionRefused as refused:
            found = self._looked_for(request, refused)
            return found or self._never_sent(sent, refused)
        except (Rejected, Throttled, Unavailable, AuthenticationFailed) as error:
            return self._never_sent(sent, error)
        self._ids_keep(sent, told)
        return self._placed(request, sent)

    def order_cancel(self, *, client_order_id: str, symbol: str) -> OrderReport:
        """Ask to cancel and return where the order stands; a closed one stays as it is."""
        order = self._order_needed(client_order_id, symbol)
        if not order.is_open:
            return self._report(order)
        try:
            self._cancel(order)
        except Rejected:
            standing = self._order_needed(client_order_id, symbol)
            if standing.is_open:
                raise
            return self._report(standing)
        return self._report(self._settled(client_order_id, symbol))

    def order_amend(self, amendment: OrderAmendment) -> OrderReport:
        """Change a working order and return where it stands."""
        name, symbol = amendment.client_order_id, amendment.symbol
        order = self._order_needed(name, symbol)
        is_bounded = bool(bounded_stops(account=self.account, orders=[order]))
        words = amendment_words(
            amendment,
            order,
            listed(symbol),
            bound_bps=self.stop_bound_bps if is_bounded else None,
        )
        self.client.write(lambda it: it.modifyOrder(dict(words)))
        try:
            standing = self._settled(name, symbol)
        except OutcomeUnknown:
            raise
        except BrokerError as error:
            # Of the reading, not of the change: the other meanings would say that nothing was done
            raise OutcomeUnknown(
                f"the change of {name} was taken in; what became of it cannot be read: {error}"
            ) from None
        return self._report(standing)

    def order_cancel_all(self, *, symbol: str | None = None) -> int:
        """Ask to cancel every working order, those of other programs and persons included."""
        asked = 0
        for order in self._orders():
            if not order.is_open or symbol not in (None, order.report().symbol):
                continue
            try:
                self._cancel(order)
            except Rejected:
                continue  # it has just ended, or the next look shows it again
            except BrokerError:
                if asked:
                    return asked
                raise
            asked += 1
        return asked

    def order_find(self, *, client_order_id: str, symbol: str) -> OrderReport | None:
        """Look an order up by its tag.

        Raises:
            OutcomeUnknown: More than one has the tag, or it is of another instrument.
        """
        order = self._order(client_order_id, symbol)
        if order is not None and order.status_word in ON_ITS_WAY:
            order = self._settled(client_order_id, symbol)
        if order is not None:
            return self._report(order)
        sent = self._sent(client_order_id)
        if sent is None or not sent.venue_order_id:
            return None
        last = journal_last(account=self.account, venue_order_id=sent.venue_order_id)
        if last is not None and last.status in FINAL:
            return last
        raise OutcomeUnknown(
            f"Angel One took order {client_order_id} as {sent.venue_order_id} and does not show "
            "it: its book holds the current day alone"
        )

    def order_list_open(self) -> list[OrderReport]:
        """Return every working order."""
        orders = [order for order in self._orders() if order.is_open]
        return self._reports(orders)

    def reports_since(self, cursor: str) -> ReportPage:
        """Look at the books unless enough waits, and return what came after the cursor."""
        if not journal_has_page(account=self.account, cursor=cursor):
            self._journal_read()
        return journal_page(account=self.account, cursor=cursor)

    def fill_list_since(self, cursor: str) -> tuple[list[FillReport], str]:
        """Return trades after the cursor; those of past days as they were seen on their day."""
        if not journal_has_page(account=self.account, cursor=cursor):
            self._journal_read()
        return journal_fills(account=self.account, cursor=cursor)

    def position_list(self) -> list[PositionReport]:
        """Return the net positions together with the holdings."""
        positions = self._read(
            lambda it: it.position(),
            lambda data: [position_read(row) for row in rows_of(data, "positions")],
        )
        holdings = self._read(lambda it: it.allholding(), _holdings_read)
        return positions_merged([*positions, *holdings])

    def balance_list(self) -> list[BalanceReport]:
        """Return the cash: what is free and what is tied up, less what open positions cost.

        Angel One takes the price of what is bought today at settlement, the desk's ledger with the
        trade. What was sold short has brought its price in the ledger, in the same way.
        """
        funds = self._read(lambda it: it.rmsLimit(), _cash_read)
        costs = self._read(
            lambda it: it.position(),
            lambda data: [open_cost_read(row) for row in rows_of(data, "positions")],
        )
        cash = (funds - sum(costs, ZERO)).quantize(PAISA)
        return [BalanceReport(currency=CURRENCY, cash=cash)] if cash else []

    def order_absence_evidence(self, *, client_order_id: str, symbol: str) -> str | None:
        """Return why an order with an unknown outcome can never have arrived; None: it may have.

        Raises:
            BrokerError: The book could not be read.
        """
        sent = self._sent(client_order_id)
        if sent is None or sent.venue_order_id:
            return None
        return absence_evidence(sent=sent, look=lambda: self._order(client_order_id, symbol))

    def _written_down(self, request: OrderRequest) -> AngelOneSentOrder | None:
        """Keep that an order is about to be sent; None: one with its id has been."""
        try:
            with transaction.atomic():
                return AngelOneSentOrder.objects.create(
                    account=self.account,
                    client_order_id=request.client_order_id,
                    symbol=request.symbol,
                    is_bounded_stop=request.order_type is OrderType.STOP,
                    sent_at=now(),
                )
        except IntegrityError:
            return None

    def _sent_before(self, request: OrderRequest) -> OrderReport:
        found = self.order_find(client_order_id=request.client_order_id, symbol=request.symbol)
        if found is None:
            raise OutcomeUnknown(
                f"order {request.client_order_id} has been sent before and is not in the order "
                "book; it is never sent a second time"
            )
        return found

    def _looked_for(self, request: OrderRequest, refused: SessionRefused) -> OrderReport | None:
        """Look for an order that the door refused: it is sent anew only where it is not there."""
        try:
            return self.order_find(client_order_id=request.client_order_id, symbol=request.symbol)
        except BrokerError as error:
            raise OutcomeUnknown(f"{refused}; looking for the order failed: {error}") from None

    def _never_sent(self, sent: AngelOneSentOrder, error: BrokerError) -> OrderReport:
        """Forget an order that certainly did not arrive, and say why."""
        sent.delete()
        raise error

    def _ids_keep(self, sent: AngelOneSentOrder, told: object) -> None:
        try:
            ids = row_of(told, "answer to the order")
            sent.venue_order_id = needed_text(ids, "orderid")[:32]
            sent.unique_order_id = text_of(ids, "uniqueorderid")[:64]
        except Garbled as garbled:
            raise OutcomeUnknown(f"the answer to the order cannot be read: {garbled}") from None
        sent.save(update_fields=["venue_order_id", "unique_order_id"])

    def _placed(self, request: OrderRequest, sent: AngelOneSentOrder) -> OrderReport:
        """Return where a taken order stands: the answer to it does not say that it was accepted."""
        try:
            order = self._settled(request.client_order_id, request.symbol)
        except OrdersMixedUp:
            raise
        except BrokerError:
            order = None  # it was taken; where it stands is told by the next look
        if order is None:
            return OrderReport(
                client_order_id=request.client_order_id,
                venue_order_id=sent.venue_order_id,
                symbol=request.symbol,
                side=request.side,
                quantity=request.quantity,
                status=OrderStatus.PENDING_NEW,
                filled_quantity=ZERO,
                occurred_at=sent.sent_at,
                limit_price=request.limit_price,
                stop_price=request.stop_price,
            )
        return self._report(order)

    def _settled(self, client_order_id: str, symbol: str) -> VenueOrder:
        """Look at an order until the exchange has answered, for a moment at most."""
        for pause_seconds in _LOOKS:
            time.sleep(pause_seconds)
            order = self._order_needed(client_order_id, symbol)
            if order.status_word not in ON_ITS_WAY:
                break
        return order

    def _cancel(self, order: VenueOrder) -> None:
        variety = order.variety or "NORMAL"
        self.client.write(lambda it: it.cancelOrder(order.venue_order_id, variety))

    def _order_needed(self, client_order_id: str, symbol: str) -> VenueOrder:
        order = self._order(client_order_id, symbol)
        if order is None:
            raise Rejected(
                f"Angel One's book of today has no order {client_order_id}", code="NOT_FOUND"
            )
        return order

    def _order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        """Look for one order: by its own number where that is known, else by its tag."""
        sent = self._sent(client_order_id)
        order = self._details(sent) if sent is not None else None
        if order is None:
            tagged = [each for each in self._orders() if each.tag == client_order_id]
            if len(tagged) > 1:
                raise OrdersMixedUp(
                    f"Angel One holds {len(tagged)} orders with the tag {client_order_id}; a "
                    "person has to look at them"
                )
            order = tagged[0] if tagged else None
        if order is not None:
            _same_order(order, client_order_id, symbol)
            self._number_keep(sent, order)
        return order

    def _details(self, sent: AngelOneSentOrder) -> VenueOrder | None:
        """Ask for an order by its unique id; None where the broker does not know it so."""
        if not sent.unique_order_id:
            return None
        try:
            return self._read(
                lambda it: it.individual_order_details(sent.unique_order_id),
                lambda data: order_read(row_of(data, "order")) if data is not None else None,
            )
        except Rejected:
            return None

    def _number_keep(self, sent: AngelOneSentOrder | None, order: VenueOrder) -> None:
        if sent is not None and not sent.venue_order_id:
            sent.venue_order_id = order.venue_order_id
            sent.unique_order_id = order.unique_order_id[:64]
            sent.save(update_fields=["venue_order_id", "unique_order_id"])

    def _sent(self, client_order_id: str) -> AngelOneSentOrder | None:
        return AngelOneSentOrder.objects.filter(
            account=self.account, client_order_id=client_order_id
        ).first()

    def _orders(self) -> list[VenueOrder]:
        return self._read(
            lambda it: it.orderBook(),
            lambda data: [order_read(row) for row in rows_of(data, "order book")],
        )

    def _trades(self) -> list[VenueTrade]:
        return self._read(
            lambda it: it.tradeBook(),
            lambda data: [trade_read(row, now=now()) for row in rows_of(data, "trade book")],
        )

    def _journal_read(self) -> None:
        """Look at both books, trades first: then the order of each trade is in the other."""
        began_at = now()
        try:
            trades, orders = self._trades(), self._orders()
        except Throttled:
            if journal_is_fresh(account=self.account, since=began_at):
                return  # another process looked while this one waited for its turn
            raise
        fills, early = fills_named(trades, orders)
        if early:
            raise OutcomeUnknown(f"{early} trades belong to orders that are not in the order book")
        journal_keep(
            account=self.account,
            orders=self._reports(orders),
            trades=fills,
            read_began_at=began_at,
        )

    def _report(self, order: VenueOrder) -> OrderReport:
        return self._reports([order])[0]

    def _reports(self, orders: list[VenueOrder]) -> list[OrderReport]:
        """Return reports; the limit of a bounded stop is ours and none of the order's terms."""
        bounded = bounded_stops(account=self.account, orders=orders)
        return [order.report(hides_limit=order.client_order_id in bounded) for order in orders]

    def _read(self, ask: Ask, understand: Callable[[Any], Answer]) -> Answer:
        data = self.client.read(ask)
        try:
            return understand(data)
        except Garbled as garbled:
            raise OutcomeUnknown(f"Angel One's answer cannot be read: {garbled}") from None


def _same_order(order: VenueOrder, client_order_id: str, symbol: str) -> None:
    report = order.report()
    if (report.client_order_id, report.symbol) != (client_order_id, symbol):
        raise OrdersMixedUp(
            f"asked about order {client_order_id} of {symbol}, Angel One answered about "
            f"{report.client_order_id} of {report.symbol}"
        )


def _holdings_read(data: object) -> list[PositionReport]:
    if data is None:
        return []
    if isinstance(data, dict):
        data = data.get("holdings")
    return [holding_read(row) for row in rows_of(data, "holdings")]


def _cash_read(data: object) -> Decimal:
    """Return the cash; what is lent against holdings and what Angel One grants is none."""
    funds = row_of(data, "funds")
    granted = ("collateral", "availablelimitmargin")
    return (
        number_of(funds, "net")
        + number_of(funds, "utiliseddebits", missing=ZERO)
        - sum((number_of(funds, name, missing=ZERO) for name in granted), ZERO)
    )
