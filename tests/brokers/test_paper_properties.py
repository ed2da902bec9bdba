"""Whatever orders meet whatever bars, the paper venue's books hold and its promises are kept."""

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db.models import QuerySet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import TradingAccount
from apps.brokers.models import PaperBook, PaperOrder, PaperPosition, PaperReport
from apps.brokers.paper.gateway import PaperGateway
from apps.brokers.services import paper_book_open
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.types import FillReport, OrderRequest, OrderType, Side, TimeInForce
from tests.brokers.builders import START, STEP, D, Market, a_bar, fills, request
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.long_form import cases

pytestmark = pytest.mark.django_db
CASH = D(10_000)
FEE_BPS = D(10)
NEEDS_END = (TimeInForce.DAY, TimeInForce.GTD)
WITH_LIMIT = (OrderType.LIMIT, OrderType.STOP_LIMIT)
RESTING_WORDS = (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD)

prices = st.integers(950, 1050).map(lambda ticks: D(ticks) / 10)


@dataclass(frozen=True)
class Placing:
    """An order to send before the next bar; it ends so many bars later, if it is to end."""

    terms: dict[str, Any]
    lasts_bars: int


@dataclass(frozen=True)
class Canceling:
    """A wish to cancel the order that was sent so manieth."""

    order: int


@st.composite
def placings(draw: st.DrawFn) -> Placing:
    kind, word = draw(st.sampled_from(list(OrderType))), draw(st.sampled_from(list(TimeInForce)))
    may_rest = kind is OrderType.LIMIT and word in RESTING_WORDS
    trails = kind is OrderType.TRAILING_STOP
    by_ratio = draw(st.booleans())
    terms = {
        "side": draw(st.sampled_from(list(Side))),
        "order_type": kind,
        "time_in_force": word,
        "quantity": D(draw(st.integers(1, 30))),
        "limit_price": draw(prices) if kind in WITH_LIMIT else None,
        "stop_price": draw(prices) if kind.needs_stop_price else None,
        "trail_amount": D(draw(st.integers(1, 30))) / 10 if trails and not by_ratio else None,
        "trail_ratio": D(draw(st.integers(1, 30))) / 1000 if trails and by_ratio else None,
        "post_only": may_rest and draw(st.booleans()),
        "reduce_only": draw(st.booleans()),
    }
    return Placing(terms, draw(st.integers(1, 4)))


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    low, high = sorted((draw(prices), draw(prices)))
    inside = st.integers(0, 10)
    span = high - low
    first, last = (
        low + (span * draw(inside) / 10).quantize(D("0.1"), rounding="ROUND_DOWN") for _ in "oc"
    )
    volume = draw(st.sampled_from([0, 50, 200, 1000]))
    return a_bar(0, str(first), str(high), str(low), str(last), str(volume))


plays = st.lists(
    st.one_of(placings(), placings(), bars(), bars(), st.builds(Canceling, st.integers(0, 9))),
    min_size=4,
    max_size=24,
)


@settings(
    max_examples=cases(400, short=40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(play=plays, slippage=st.sampled_from([0, 7]), cap=st.sampled_from(["0", "0.1"]))
def test_venue_keeps_its_promises(
    play: list[Placing | Canceling | Bar], slippage: int, cap: str
) -> None:
    account: TradingAccount = TradingAccountFactory(broker="PAPER", base_currency="USDT")
    paper_book_open(
        account=account,
        cash=CASH,
        fee_bps=FEE_BPS,
        slippage_bps=D(slippage),
        volume_cap_ratio=D(cap),
    )
    instrument: Instrument = InstrumentFactory(kind="PERPETUAL", tick_size=D("0.1"), lot_size=D(1))
    gateway = PaperGateway(account)
    sent, played = _play(Market(account, instrument), gateway, play)
    executions = fills(gateway)
    _orders_hold(account, sent, executions)
    _reducing_holds(sent, executions)
    _bars_hold(played, executions, D(cap))
    _books_hold(account, executions)


def _play(
    market: Market, gateway: PaperGateway, play: list[Placing | Canceling | Bar]
) -> tuple[dict[str, OrderRequest], list[Bar]]:
    sent: dict[str, OrderRequest] = {}
    played: list[Bar] = []
    for step in play:
        moment = START + len(played) * STEP
        if isinstance(step, Placing):
            ends = step.terms["time_in_force"] in NEEDS_END
            order = request(
                market.instrument,
                f"A{len(sent)}",
                as_of=moment,
                expires_at=moment + step.lasts_bars * STEP if ends else None,
                **step.terms,
            )
            gateway.order_place(order)
            sent[order.client_order_id] = order
        elif isinstance(step, Bar):
            bar = replace(step, open_at=moment, close_at=moment + STEP)
            market.play(bar)
            before = _everything(market.account)
            market.play(bar)
            assert _everything(market.account) == before
            played.append(bar)
        elif f"A{step.order}" in sent:
            gateway.order_cancel(client_order_id=f"A{step.order}", symbol=market.instrument.symbol)
    return sent, played


def _everything(account: TradingAccount) -> list[list[dict[str, Any]]]:
    """Return all that the venue has written about an account."""
    tables: list[QuerySet[Any]] = [
        PaperBook.objects.filter(account=account),
        PaperOrder.objects.filter(book__account=account),
        PaperPosition.objects.filter(book__account=account),
        PaperReport.objects.filter(book__account=account),
    ]
    return [list(rows.order_by("pk").values()) for rows in tables]


def _orders_hold(
    account: TradingAccount, sent: dict[str, OrderRequest], executions: list[FillReport]
) -> None:
    """Assert that no order fills beyond its quantity, its limit or its end."""
    for order in PaperOrder.objects.filter(book__account=account):
        asked = sent[order.client_order_id]
        mine = [fill for fill in executions if fill.client_order_id == order.client_order_id]
        assert sum(fill.quantity for fill in mine) == order.filled_quantity <= asked.quantity
        assert (order.status == "FILLED") == (order.filled_quantity == asked.quantity)
        for fill in mine:
            assert asked.expires_at is None or fill.executed_at < asked.expires_at
            assert fill.executed_at >= asked.as_of
            if asked.limit_price is not None:
                assert asked.side.sign * (fill.price - asked.limit_price) <= 0
        if order.status == "EXPIRED":
            assert asked.expires_at == order.updated_at
        if asked.time_in_force is TimeInForce.FOK:
            assert len(mine) <= 1
        ends = order.reports.filter(status__in=["CANCELED", "EXPIRED", "FILLED"])
        assert ends.count() == (order.status not in ("NEW", "PARTIALLY_FILLED"))


def _reducing_holds(sent: dict[str, OrderRequest], executions: list[FillReport]) -> None:
    """Assert that a reduce-only order never opens, enlarges or turns the position."""
    held = D(0)
    for fill in executions:
        after = held + fill.side.sign * fill.quantity
        if sent[fill.client_order_id].reduce_only:
            assert abs(after) == abs(held) - fill.quantity
            assert after * held >= 0
        held = after


def _bars_hold(played: list[Bar], executions: list[FillReport], cap: Decimal) -> None:
    """Assert that every execution lies on a bar, in its range but for slippage, in its volume."""
    by_open = {bar.open_at: bar for bar in played}
    taken = dict.fromkeys(by_open, D(0))
    for fill in executions:
        bar = by_open[fill.executed_at]
        slippage = fill.price * 7 / 10_000 + D("0.1")
        assert bar.low - slippage <= fill.price <= bar.high + slippage
        taken[fill.executed_at] += fill.quantity
    if cap:
        assert all(quantity <= by_open[at].volume * cap for at, quantity in taken.items())


def _books_hold(account: TradingAccount, executions: list[FillReport]) -> None:
    """Assert that position, cash and reports follow from the executions alone."""
    held, paid = Fraction(0), Fraction(0)
    for fill in executions:
        signed = fill.side.sign * Fraction(fill.quantity)
        held += signed
        paid += signed * Fraction(fill.price)
        assert Fraction(fill.commission) == abs(signed) * Fraction(fill.price) / 1000
    fees = sum((Fraction(fill.commission) for fill in executions), Fraction(0))
    position = PaperPosition.objects.filter(book__account=account).first()
    assert held == (Fraction(position.quantity) if position else 0)
    open_cost = held * Fraction(position.average_entry_price) if position else Fraction(0)
    cash = Fraction(PaperBook.objects.get(account=account).cash)
    rounding = Fraction(len(executions), 10**8)
    assert abs(cash - (Fraction(CASH) - fees - paid + open_cost)) <= rounding
    numbers = PaperReport.objects.filter(book__account=account).values_list("sequence", flat=True)
    assert list(numbers) == list(range(1, len(numbers) + 1))
