"""Whatever fills arrive, the ledger balances and follows from them to the last digit."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import TradingAccount
from apps.marketdata.models import Instrument
from apps.orders.domain.types import Side
from apps.orders.models import Fill, Order
from apps.positions.models import (
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    NetPosition,
    Position,
    PositionChange,
)
from apps.positions.selectors import cash_balance, ledger_unbalanced
from apps.positions.services import deposit_book, fill_book
from apps.reconciliation.services import report_take_in
from apps.strategies.models import Deployment
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.orders import OrderFactory
from tests.factories.strategies import DeploymentFactory
from tests.long_form import cases
from tests.orders.builders import AT, a_fill_report
from tests.positions.reference import ReferenceBooks, ReferencePosition, rounded

pytestmark = pytest.mark.django_db
START = Decimal(100_000)
_numbers = count()


@dataclass(frozen=True)
class Step:
    """One fill: whose, of what (0 and 1 are perpetuals, 2 is paid in full), and its terms."""

    owner: int
    instrument: int
    units: Decimal
    price: Decimal
    commission: Decimal


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=Decimal(low), max_value=Decimal(high), places=places)


steps = st.builds(
    Step,
    owner=st.integers(0, 2),
    instrument=st.integers(0, 2),
    units=st.one_of(
        st.sampled_from([Decimal(sign) for sign in (1, -1, 2, -2, 3, -3)]),
        decimals("-3", "3", 10).filter(bool),
    ),
    price=st.one_of(decimals("1", "4", 0), decimals("0.0000000001", "70000", 10)),
    commission=st.one_of(decimals("-1", "1", 10), st.just(Decimal(0))),
)


class Desk:
    """One account on which two deployments and a person trade the same three instruments."""

    def __init__(self) -> None:
        self.account: TradingAccount = TradingAccountFactory(base_currency="USDT")
        self.owners: list[Deployment | None] = [
            DeploymentFactory(account=self.account),
            DeploymentFactory(account=self.account),
            None,
        ]
        self.instruments: list[Instrument] = [
            InstrumentFactory(kind="PERPETUAL", multiplier=Decimal(1)),
            InstrumentFactory(kind="PERPETUAL", multiplier=Decimal("0.001")),
            InstrumentFactory(kind="SPOT", multiplier=Decimal(1)),
        ]
        self.reference = ReferenceBooks(cash=Fraction(START))
        deposit_book(
            account=self.account,
            amount=START,
            currency="USDT",
            source_id="start",
            occurred_at=AT,
            description="Start",
        )

    def take(self, step: Step) -> None:
        instrument = self.instruments[step.instrument]
        side = Side.BUY if step.units > 0 else Side.SELL
        order: Order = OrderFactory(
            account=self.account,
            instrument=instrument,
            deployment=self.owners[step.owner],
            side=side.value,
            quantity=abs(step.units),
            status="NEW",
        )
        assert report_take_in(
            account=self.account,
            report=a_fill_report(
                order,
                abs(step.units),
                trade_id=f"t{next(_numbers)}",
                price=step.price,
                commission=step.commission,
            ),
        )
        self.reference.take(
            owner=step.owner,
            instrument=step.instrument,
            is_perpetual=instrument.kind == "PERPETUAL",
            units=step.units,
            price=step.price,
            multiplier=instrument.multiplier,
            commission=step.commission,
        )

    def positions(self) -> dict[Any, tuple[Fraction, Fraction, Fraction]]:
        owners = {None if each is None else each.pk: n for n, each in enumerate(self.owners)}
        instruments = {each.pk: n for n, each in enumerate(self.instruments)}
        return {
            (owners[row.deployment_id], instruments[row.instrument_id]): held(row)
            for row in Position.objects.filter(account=self.account)
        }

    def net_positions(self) -> dict[Any, tuple[Fraction, Fraction, Fraction]]:
        instruments = {each.pk: n for n, each in enumerate(self.instruments)}
        return {
            instruments[row.instrument_id]: held(row)
            for row in NetPosition.objects.filter(account=self.account)
        }

    def balance(self, code: str) -> Fraction:
        kept = LedgerAccount.objects.filter(account=self.account, code=code)
        return sum((Fraction(row.balance) for row in kept), Fraction(0))


def holding(
    quantity: Decimal | int, average: Decimal | int, realized: Decimal | int
) -> tuple[Fraction, Fraction, Fraction]:
    return Fraction(quantity), Fraction(average), Fraction(realized)


def held(row: Position | NetPosition) -> tuple[Fraction, Fraction, Fraction]:
    return holding(row.quantity, row.average_entry_price, row.realized_pnl)


def expected(positions: dict[Any, ReferencePosition]) -> dict[Any, Any]:
    return {
        key: (position.quantity, position.average, position.realized)
        for key, position in positions.items()
    }


any_stream = settings(
    max_examples=cases(100, short=15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@any_stream
@given(stream=st.lists(steps, min_size=1, max_size=10))
def test_cash_and_positions_follow_from_the_fills_to_the_last_digit(stream: list[Step]) -> None:
    desk = Desk()
    for step in stream:
        desk.take(step)
    reference = desk.reference
    assert Fraction(cash_balance(account=desk.account, currency="USDT")) == reference.cash
    assert desk.balance("COMMISSION") == reference.commission
    assert desk.positions() == expected(reference.owners)
    assert desk.net_positions() == expected(reference.nets)
    assert ledger_unbalanced(account=desk.account) == []


@any_stream
@given(stream=st.lists(steps, min_size=1, max_size=10))
def test_every_booking_balances_and_every_balance_is_its_entries(stream: list[Step]) -> None:
    desk = Desk()
    for step in stream:
        desk.take(step)
    entries = LedgerEntry.objects.filter(ledger_account__account=desk.account).order_by()
    booked = entries.values("transaction", "currency").annotate(total=Sum("amount"))
    assert {row["total"] for row in booked} == {Decimal(0)}
    sums = dict(entries.values_list("ledger_account").annotate(total=Sum("amount")))
    for kept in LedgerAccount.objects.filter(account=desk.account):
        assert kept.balance == sums[kept.pk]
    assert desk.balance("CAPITAL") == -Fraction(START)
    # Holdings are what the spot position has cost, to the last digit
    spot = desk.reference.nets.get(2, ReferencePosition())
    assert desk.balance("HOLDINGS") == rounded(spot.quantity * spot.average)


@any_stream
@given(stream=st.lists(steps, min_size=1, max_size=8), mark=decimals("1", "70000", 10))
def test_worth_is_start_plus_what_was_sold_minus_what_was_bought(
    stream: list[Step], mark: Decimal
) -> None:
    """The identity that needs no average: cash and holdings at a mark, against plain sums."""
    desk = Desk()
    for step in stream:
        desk.take(step)
    flows = slack = Fraction(0)
    worth = Fraction(cash_balance(account=desk.account, currency="USDT"))
    for number, instrument in enumerate(desk.instruments):
        scale = Fraction(instrument.multiplier)
        for step in (each for each in stream if each.instrument == number):
            flows += Fraction(step.units) * (Fraction(mark) - Fraction(step.price)) * scale
            slack += (abs(Fraction(step.units)) * 20 * scale + 2) / 10**10
        net = NetPosition.objects.filter(account=desk.account, instrument=instrument).first()
        if net is not None:
            basis = Fraction(net.average_entry_price) if instrument.kind == "PERPETUAL" else 0
            worth += Fraction(net.quantity) * (Fraction(mark) - basis) * scale
    paid = sum((Fraction(step.commission) for step in stream), Fraction(0))
    assert abs(worth - (Fraction(START) + flows - paid)) <= slack


@any_stream
@given(stream=st.lists(steps, min_size=1, max_size=6))
def test_booking_every_fill_again_changes_nothing(stream: list[Step]) -> None:
    desk = Desk()
    for step in stream:
        desk.take(step)

    def books() -> tuple[object, ...]:
        return (
            desk.positions(),
            desk.net_positions(),
            list(LedgerAccount.objects.filter(account=desk.account).order_by("pk").values()),
            LedgerTransaction.objects.filter(account=desk.account).count(),
            PositionChange.objects.filter(position__account=desk.account).count(),
        )

    before = books()
    for fill in Fill.objects.filter(order__account=desk.account):
        fill_book(fill=fill)
    assert books() == before


@any_stream
@given(
    pieces=st.lists(decimals("0.0000000001", "2", 10), min_size=1, max_size=6),
    price=decimals("1", "70000", 10),
)
def test_order_filled_in_parts_comes_to_the_position_of_one_fill(
    pieces: list[Decimal], price: Decimal
) -> None:
    desk = Desk()
    whole = sum(pieces, Decimal(0))
    order: Order = OrderFactory(
        account=desk.account, instrument=desk.instruments[0], quantity=whole, status="NEW"
    )
    for piece in pieces:
        report = a_fill_report(order, piece, trade_id=f"t{next(_numbers)}", price=price)
        assert report_take_in(account=desk.account, report=report)
    order.refresh_from_db()
    assert (order.status, order.average_fill_price) == ("FILLED", price)
    assert desk.positions() == {(2, 0): (Fraction(whole), Fraction(price), Fraction(0))}


def test_two_deployments_against_each_other_are_flat_for_the_broker() -> None:
    desk = Desk()
    for owner, units, price in ((0, 2, 100), (1, -2, 110)):
        desk.take(Step(owner, 0, Decimal(units), Decimal(price), Decimal(0)))
    assert desk.positions() == {(0, 0): holding(2, 100, 0), (1, 0): holding(-2, 110, 0)}
    assert desk.net_positions() == {0: holding(0, 0, 20)}
    assert cash_balance(account=desk.account, currency="USDT") == START + 20


def test_position_that_turns_realises_the_old_side_and_opens_the_new_one() -> None:
    desk = Desk()
    for units, price in ((3, 100), (-5, 110)):
        desk.take(Step(0, 0, Decimal(units), Decimal(price), Decimal(1)))
    position = Position.objects.get(account=desk.account)
    assert held(position) == holding(-2, 110, 30)
    assert (position.commission, position.opened_at) == (Decimal(2), AT)
    assert cash_balance(account=desk.account, currency="USDT") == START + 30 - 2


def test_rebate_is_income() -> None:
    desk = Desk()
    desk.take(Step(0, 2, Decimal(1), Decimal(50), Decimal("-0.5")))
    assert cash_balance(account=desk.account, currency="USDT") == START - Decimal("49.5")
    assert desk.balance("COMMISSION") == Fraction(-1, 2)


def test_opening_a_perpetual_for_free_moves_no_money_and_is_booked_all_the_same() -> None:
    desk = Desk()
    desk.take(Step(0, 0, Decimal(1), Decimal(50), Decimal(0)))
    change = PositionChange.objects.get(position__account=desk.account)
    assert change.transaction is None
    assert LedgerTransaction.objects.filter(account=desk.account).count() == 1
    assert ledger_unbalanced(account=desk.account) == []
