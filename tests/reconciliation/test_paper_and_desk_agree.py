"""Two books kept apart, the paper venue's and the desk's, come to the same to the last digit."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import TradingAccount
from apps.brokers.paper.gateway import PaperGateway
from apps.brokers.services import market_play, paper_book_open
from apps.core.clock import standing_at
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.types import (
    AttachedExit,
    OrderRequest,
    OrderRole,
    OrderType,
    Side,
    TimeInForce,
)
from apps.orders.models import Order
from apps.orders.services import ExitPlan, OrderPlan, order_claim, order_create
from apps.positions.selectors import ledger_unbalanced
from apps.positions.services import deposit_book
from apps.reconciliation.models import Break
from apps.reconciliation.services import reconciliation_run, report_take_in, reports_intake
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.long_form import cases

pytestmark = pytest.mark.django_db
D = Decimal
START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
FINE = D("0.0000000001")


@dataclass(frozen=True)
class Wish:
    """An order on one of three instruments, with or without exits."""

    instrument: int
    side: Side
    lots: int
    limit: int | None
    time_in_force: TimeInForce
    stop_ratio: Decimal | None
    target_ratio: Decimal | None
    cancels: bool


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=D(low), max_value=D(high), places=places)


ratios = st.none() | decimals("0.001", "0.2", 4)
wishes = st.builds(
    Wish,
    instrument=st.integers(0, 2),
    side=st.sampled_from(Side),
    lots=st.integers(1, 40_000_000_001),
    limit=st.none() | st.integers(800_000_000_000, 1_200_000_000_000),
    time_in_force=st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
    stop_ratio=ratios,
    target_ratio=ratios,
    cancels=st.booleans(),
)
prices = st.integers(800_000_000_000, 1_200_000_000_000).map(lambda steps: steps * FINE)
bars = st.tuples(prices, prices, prices, prices, decimals("0", "60", 10))
minutes = st.lists(
    st.tuples(st.lists(wishes, max_size=2), st.tuples(bars, bars, bars)), min_size=1, max_size=5
)


class Pair:
    """A paper account and its books at the desk."""

    def __init__(self) -> None:
        self.account: TradingAccount = TradingAccountFactory(base_currency="USDT")
        self.instruments: list[Instrument] = [
            InstrumentFactory(kind=kind, multiplier=multiplier, tick_size=FINE, lot_size=FINE)
            for kind, multiplier in (
                ("PERPETUAL", D(1)),
                ("PERPETUAL", D("0.0013")),
                ("SPOT", D(1)),
            )
        ]
        paper_book_open(
            account=self.account,
            cash=D(100_000),
            fee_bps=D("6.37"),
            slippage_bps=D("1.9"),
            volume_cap_ratio=D("0.1"),
        )
        deposit_book(
            account=self.account,
            amount=D(100_000),
            currency="USDT",
            source_id="start",
            occurred_at=START,
            description="Start",
        )
        self.gateway = PaperGateway(self.account)
        self.moment = START
        self.orders: list[Order] = []

    def wish(self, wish: Wish) -> None:
        exits = {OrderRole.STOP_LOSS: wish.stop_ratio, OrderRole.TAKE_PROFIT: wish.target_ratio}
        order = order_create(
            account=self.account,
            instrument=self.instruments[wish.instrument],
            plan=OrderPlan(
                key=str(len(self.orders)),
                decided_at=self.moment,
                side=wish.side,
                role=OrderRole.ENTRY,
                order_type=OrderType.MARKET if wish.limit is None else OrderType.LIMIT,
                quantity=wish.lots * FINE,
                limit_price=None if wish.limit is None else wish.limit * FINE,
                time_in_force=wish.time_in_force,
                exits=tuple(
                    ExitPlan(role=role, distance_ratio=ratio)
                    for role, ratio in exits.items()
                    if ratio is not None
                ),
            ),
        )
        assert order_claim(order=order, epoch=1)
        answer = self.gateway.order_place(self.request(order))
        assert report_take_in(account=self.account, report=answer)
        self.orders.append(order)

    def request(self, order: Order) -> OrderRequest:
        return OrderRequest(
            client_order_id=order.client_order_id,
            symbol=order.instrument.symbol,
            side=Side(order.side),
            order_type=OrderType(order.order_type),
            quantity=order.quantity,
            time_in_force=TimeInForce(order.time_in_force),
            limit_price=order.limit_price,
            as_of=self.moment,
            attached=tuple(
                AttachedExit(
                    client_order_id=each.client_order_id,
                    role=OrderRole(each.role),
                    distance_ratio=each.distance_ratio or D(0),
                )
                for each in order.exits.order_by("pk")
            ),
        )

    def play(self, played: tuple[tuple[Decimal, ...], ...]) -> None:
        for instrument, (open_, one, two, close, volume) in zip(
            self.instruments, played, strict=True
        ):
            bar = Bar(
                open_at=self.moment,
                close_at=self.moment + STEP,
                open=open_,
                high=max(open_, one, two, close),
                low=min(open_, one, two, close),
                close=close,
                volume=volume,
            )
            market_play(account=self.account, instrument=instrument, bar=bar)
        self.moment += STEP

    def cancel(self) -> None:
        order = self.orders[-1]
        with standing_at(self.moment):
            self.gateway.order_cancel(
                client_order_id=order.client_order_id, symbol=order.instrument.symbol
            )

    def settle(self) -> None:
        result = reports_intake(account=self.account, gateway=self.gateway)
        assert result.breaks == 0, list(Break.objects.values_list("description", flat=True))
        run = reconciliation_run(account=self.account, gateway=self.gateway, trigger="COMMAND")
        assert run.result == "MATCHED", list(Break.objects.values_list("description", flat=True))
        assert ledger_unbalanced(account=self.account) == []


@settings(
    max_examples=cases(300, short=20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=minutes)
def test_books_agree_after_every_bar(
    story: list[tuple[list[Wish], tuple[tuple[Decimal, ...], ...]]],
) -> None:
    pair = Pair()
    for wished, played in story:
        for wish in wished:
            pair.wish(wish)
            pair.settle()
        pair.play(played)
        pair.settle()
        if wished and wished[-1].cancels:
            pair.cancel()
            pair.settle()
