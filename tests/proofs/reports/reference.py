"""An account as simply as it can be told: orders by the literal table, books in fractions."""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from apps.orders.domain.types import FillReport, OrderReport
from tests.positions.reference import ReferenceBooks, rounded
from tests.proofs.reports.table import ACTS, BY_FILLS, REFUSED, SAME, TABLE, UNFILLED

LIMIT = Fraction(10**18)
LEAST = Fraction(1, 10**10)
SHOWS_IT_WORKS = ("NEW", "PARTIALLY_FILLED", "FILLED")
FROM_VENUES = (*SHOWS_IT_WORKS, "PENDING_NEW", "CANCELED", "EXPIRED", "REJECTED")
ENDED = ("FILLED", "CANCELED", "EXPIRED", "REJECTED")
CROSSED = ("PENDING_CANCEL", "CANCELED", "EXPIRED")


class Refused(Exception):
    """The model refuses the report; only a break is written."""


@dataclass
class ReferenceOrder:
    """One order.

    Attributes:
        steps: How many lines its history has; the first is the intent.
        asked: Terms that the venue was asked for and has neither confirmed nor refused.
    """

    instrument: int
    owner: int
    symbol: str
    side: str
    quantity: Fraction
    limit_price: Fraction
    state: str = "INTENT"
    steps: int = 1
    asked: dict[str, Fraction] = field(default_factory=dict)
    fills: dict[str, tuple[Fraction, Fraction]] = field(default_factory=dict)
    venue_order_id: str = ""

    @property
    def filled(self) -> Fraction:
        return sum((quantity for quantity, _ in self.fills.values()), Fraction(0))

    @property
    def most(self) -> Fraction:
        """How much may fill: a larger quantity that was asked for counts already."""
        return max(self.quantity, self.asked.get("quantity", self.quantity))

    @property
    def average(self) -> Fraction | None:
        worth = sum((quantity * price for quantity, price in self.fills.values()), Fraction(0))
        return rounded(worth / self.filled) if self.fills else None

    def by_fills(self) -> str:
        if self.filled == self.quantity:
            return "FILLED"
        return "PARTIALLY_FILLED" if self.fills else "NEW"

    def move(self, outcome: str) -> None:
        """Follow one cell of the table that is a state, and write the step down."""
        if outcome == REFUSED or (outcome == UNFILLED and self.fills):
            raise Refused
        self.state = "REJECTED" if outcome == UNFILLED else outcome
        self.steps += 1

    def act(self, name: str, terms: dict[str, Fraction]) -> None:
        """Take a step of the desk; see ``ACTS``."""
        if name == "amend_refused":
            return self.amend_refused()
        outcome = ACTS[self.state, name]
        if outcome == SAME:
            return None
        if name == "amend":
            return self.amend(outcome, terms)
        return self.move(outcome)

    def amend(self, outcome: str, terms: dict[str, Fraction]) -> None:
        now = {"quantity": self.quantity, "limit_price": self.limit_price}
        changes = {name: value for name, value in terms.items() if value != now[name]}
        if outcome == REFUSED or not changes or terms.get("quantity", self.most) <= self.filled:
            raise Refused
        self.asked = changes
        self.move("PENDING_REPLACE")

    def amend_refused(self) -> None:
        if self.asked:
            self.asked = {}
            self.move(self.by_fills() if self.state == "PENDING_REPLACE" else self.state)

    def is_asked_for(self, report: OrderReport) -> bool:
        shown = {"quantity": report.quantity, "limit_price": report.limit_price}
        return bool(self.asked) and all(shown[name] == value for name, value in self.asked.items())

    def amended(self) -> None:
        if self.filled > self.asked.get("quantity", self.filled):
            raise Refused
        for name, value in self.asked.items():
            setattr(self, name, value)
        self.asked = {}
        is_ending = self.state == "PENDING_CANCEL" and self.by_fills() != "FILLED"
        self.move(self.state if is_ending else self.by_fills())


@dataclass(frozen=True)
class ReferenceInstrument:
    """What the books need to know."""

    is_perpetual: bool
    multiplier: Decimal


@dataclass
class ReferenceAccount:
    """Orders, books and breaks of an account; ``seen`` counts (state, event) pairs."""

    instruments: list[ReferenceInstrument]
    books: ReferenceBooks
    orders: dict[str, ReferenceOrder] = field(default_factory=dict)
    commissions: dict[tuple[int, int], Fraction] = field(default_factory=dict)
    breaks: set[tuple[str, str]] = field(default_factory=set)
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, report: OrderReport | FillReport) -> None:
        """Take a report in, or keep it as a break."""
        self.counts["reports"] += 1
        try:
            self._take(report)
        except Refused:
            self.counts["refused"] += 1
            self.breaks.add(self._break_of(report))

    def _take(self, report: OrderReport | FillReport) -> None:
        text_of(report.venue_order_id, longest=64)
        order = self.orders.get(report.client_order_id)
        if order is None or (order.symbol, order.side) != (report.symbol, report.side.value):
            raise Refused
        if isinstance(report, FillReport):
            self._take_fill(order, report)
        else:
            self._take_order_report(order, report)

    def _break_of(self, report: OrderReport | FillReport) -> tuple[str, str]:
        is_fill = isinstance(report, FillReport)
        name = visible(report.client_order_id)
        kind = "REPORT_REFUSED"
        if report.client_order_id == name and name not in self.orders:
            kind = "FILL_UNKNOWN_TO_DESK" if is_fill else "ORDER_UNKNOWN_TO_DESK"
        if isinstance(report, FillReport):
            return kind, visible(f"{name}:{report.trade_id}")
        return kind, name if kind == "ORDER_UNKNOWN_TO_DESK" else f"{name}:{report.status.value}"

    def _take_order_report(self, order: ReferenceOrder, report: OrderReport) -> None:
        amount_of(report.quantity, least=LEAST)
        amount_of(report.filled_quantity, least=Fraction(0))
        text_of(report.text, longest=10**6)
        event = report.status.value
        if event not in FROM_VENUES:
            event = "UNTELLABLE"
        elif event in SHOWS_IT_WORKS:
            is_confirmed = order.is_asked_for(report)
            event = "AMENDED" if is_confirmed and (order.state, "AMENDED") in TABLE else "WORKING"
        outcome = self._outcome(order, event)
        if outcome == BY_FILLS:
            order.amended()
        elif outcome != SAME:
            order.move(outcome)
        order.venue_order_id = order.venue_order_id or report.venue_order_id

    def _outcome(self, order: ReferenceOrder, event: str) -> str:
        self.seen[order.state, event] += 1
        return TABLE[order.state, event]

    def _take_fill(self, order: ReferenceOrder, report: FillReport) -> None:
        trade_id = text_of(report.trade_id, longest=64, shortest=1)
        text_of(report.commission_currency, longest=12)
        quantity = amount_of(report.quantity, least=LEAST)
        price = amount_of(report.price, least=LEAST)
        commission = amount_of(report.commission)
        if trade_id in order.fills:
            if order.fills[trade_id] != (quantity, price):
                raise Refused
            self.counts["trades again"] += 1
            return
        left = order.most - order.filled - quantity
        outcome = self._outcome(order, "OVER" if left < 0 else "PART" if left else "LAST")
        is_strange = commission != 0 and report.commission_currency != "USDT"
        if outcome == REFUSED or is_strange:
            raise Refused
        self._book(order, quantity, price, commission)
        self.counts["fills"] += 1
        self.counts["crosses"] += order.state in CROSSED
        order.fills[trade_id] = quantity, price
        if order.filled > order.quantity:
            order.quantity = order.most
        order.move(order.state if outcome == SAME else outcome)
        order.venue_order_id = order.venue_order_id or report.venue_order_id

    def _book(
        self, order: ReferenceOrder, quantity: Fraction, price: Fraction, commission: Fraction
    ) -> None:
        instrument, books = self.instruments[order.instrument], deepcopy(self.books)
        books.take(
            owner=order.owner,
            instrument=order.instrument,
            is_perpetual=instrument.is_perpetual,
            units=decimal_of(quantity if order.side == "BUY" else -quantity),
            price=decimal_of(price),
            multiplier=instrument.multiplier,
            commission=decimal_of(commission),
        )
        self._fits_require(books, instrument, order.instrument, quantity * price)
        self.books = books
        owner = order.owner, order.instrument
        self.commissions[owner] = self.commissions.get(owner, Fraction(0)) + commission

    def _fits_require(
        self, books: ReferenceBooks, instrument: ReferenceInstrument, number: int, worth: Fraction
    ) -> None:
        """Refuse what the books have no digits for: an amount of 10**18 or more."""
        results = [position.realized for position in books.nets.values()]
        amounts = [books.cash, sum(results, Fraction(0)), *results]
        amounts += [position.realized for position in books.owners.values()]
        if not instrument.is_perpetual:
            net = books.nets[number]
            amounts += [worth, net.quantity * net.average]
        if any(abs(amount) >= LIMIT for amount in amounts):
            raise Refused


def amount_of(number: Decimal, *, least: Fraction | None = None) -> Fraction:
    """Return an amount as it is kept; refused where it cannot be."""
    if not number.is_finite():
        raise Refused
    amount = rounded(Fraction(number))
    if abs(amount) >= LIMIT or (least is not None and amount < least):
        raise Refused
    return amount


def text_of(text: str, *, longest: int, shortest: int = 0) -> str:
    """Return a text as it is kept; refused where it cannot be."""
    if "\0" in text or not shortest <= len(text) <= longest:
        raise Refused
    return text


def visible(text: str) -> str:
    """Return what a break says of a text with characters that no database keeps."""
    return text.replace("\0", "\\0")


def decimal_of(fraction: Fraction) -> Decimal:
    """Return a fraction of ten places as a decimal, exactly."""
    return Decimal(int(fraction * 10**10)).scaleb(-10)
