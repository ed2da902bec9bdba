"""A run compares four books with the broker's and keeps what it found."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import TradingAccount
from apps.core.models import AuditEvent
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.models import Order
from apps.orders.services import order_cancel_request
from apps.positions.services import deposit_book
from apps.reconciliation.models import Break, ReconciliationRun
from apps.reconciliation.selectors import account_is_reconciled
from apps.reconciliation.services import break_resolve, reconciliation_run, report_take_in
from tests.factories.accounts import UserFactory
from tests.orders.builders import AT, a_fill_report, accepted, an_order, an_order_report
from tests.reconciliation.broker import ScriptedBroker, a_position, cash_of, page_of

pytestmark = pytest.mark.django_db
D = Decimal
S = OrderStatus


def run(account: TradingAccount, broker: ScriptedBroker) -> ReconciliationRun:
    return reconciliation_run(account=account, gateway=broker, trigger="COMMAND")


@pytest.fixture
def order(account: TradingAccount, instrument: Instrument) -> Order:
    """An order of two units of which one has filled, paid for from a deposit of 1000."""
    deposit_book(
        account=account,
        amount=D(1000),
        currency="USDT",
        source_id="start",
        occurred_at=AT,
        description="Start",
    )
    made = accepted(an_order(account=account, instrument=instrument, quantity=D(2)))
    assert report_take_in(account=account, report=a_fill_report(made, 1))
    made.refresh_from_db()
    return made


@pytest.fixture
def agreeing(order: Order, broker: ScriptedBroker) -> ScriptedBroker:
    """A broker that says of the order exactly what the desk knows."""
    broker.orders = [an_order_report(order, S.PARTIALLY_FILLED, filled_quantity=D(1))]
    broker.fills = [a_fill_report(order, 1)]
    broker.positions = [a_position(order.instrument.symbol, 1)]
    broker.balances = [cash_of("999.94")]
    return broker


def test_books_that_agree_are_a_match_with_its_counts(
    account: TradingAccount, agreeing: ScriptedBroker
) -> None:
    found = run(account, agreeing)
    assert (found.result, found.failure, found.breaks_found) == ("MATCHED", "", 0)
    assert (
        found.orders_compared,
        found.fills_compared,
        found.positions_compared,
        found.balances_compared,
    ) == (1, 1, 1, 1)
    assert Break.objects.exists() is False
    assert account_is_reconciled(account=account, since=found.started_at) is True


def test_account_without_anything_matches_an_empty_broker(
    account: TradingAccount, broker: ScriptedBroker
) -> None:
    assert run(account, broker).result == "MATCHED"


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"orders": []}, ["ORDER_MISSING_AT_BROKER"]),
        ({"fills": []}, ["FILL_MISSING_AT_BROKER"]),
        ({"positions": []}, ["POSITION_DIFFERS"]),
        ({"balances": []}, ["CASH_DIFFERS"]),
        ({"balances": [cash_of("999.94"), cash_of(5, "INR")]}, ["CASH_DIFFERS"]),
        (
            {"orders": [], "fills": [], "positions": [], "balances": []},
            [
                "CASH_DIFFERS",
                "FILL_MISSING_AT_BROKER",
                "ORDER_MISSING_AT_BROKER",
                "POSITION_DIFFERS",
            ],
        ),
    ],
    ids=",".join,
)
def test_what_the_broker_lacks_is_a_break_each(
    account: TradingAccount,
    agreeing: ScriptedBroker,
    changes: dict[str, Any],
    kinds: list[str],
) -> None:
    for name, value in changes.items():
        setattr(agreeing, name, value)
    found = run(account, agreeing)
    assert (found.result, found.breaks_found) == ("BREAKS", len(kinds))
    assert sorted(Break.objects.values_list("kind", flat=True)) == kinds
    assert set(Break.objects.values_list("run", flat=True)) == {found.pk}
    assert account_is_reconciled(account=account, since=None) is False
    assert AuditEvent.objects.filter(action="break.opened").count() == len(kinds)
    assert AuditEvent.objects.filter(action="reconciliation.did_not_match").count() == 1


def test_order_and_fill_known_only_to_the_broker_are_breaks(
    account: TradingAccount, agreeing: ScriptedBroker, order: Order
) -> None:
    stranger = Order(
        account=account, client_order_id="X", instrument=order.instrument, side="BUY", quantity=D(1)
    )
    agreeing.orders.append(an_order_report(stranger, S.NEW))
    agreeing.fills.append(a_fill_report(stranger, 1, trade_id="tx"))
    run(account, agreeing)
    kinds = Break.objects.order_by("kind").values_list("kind", "key")
    assert list(kinds) == [("FILL_UNKNOWN_TO_DESK", "X:tx"), ("ORDER_UNKNOWN_TO_DESK", "X")]


@pytest.mark.parametrize(
    "difference",
    [
        {"quantity": D(3)},
        {"filled_quantity": D(2)},
        {"limit_price": D(99)},
        {"stop_price": D(99)},
        {"status": S.PENDING_NEW},
        {"status": S.FILLED},
    ],
    ids=str,
)
def test_order_that_differs_at_the_broker_is_a_break(
    account: TradingAccount,
    agreeing: ScriptedBroker,
    order: Order,
    difference: dict[str, Any],
) -> None:
    same: dict[str, Any] = {"status": S.PARTIALLY_FILLED, "filled_quantity": D(1)}
    agreeing.orders = [an_order_report(order, **{**same, **difference})]
    run(account, agreeing)
    found = Break.objects.get()
    assert (found.kind, found.order, found.instrument) == (
        "ORDER_DIFFERS",
        order,
        order.instrument,
    )


def test_cancel_that_is_under_way_is_no_break(
    account: TradingAccount, agreeing: ScriptedBroker, order: Order
) -> None:
    assert order_cancel_request(order=order, reason="enough") is True
    assert run(account, agreeing).result == "MATCHED"


@pytest.mark.parametrize(
    "difference", [{"price": D(101)}, {"quantity": D("0.9")}, {"commission": D("0.07")}], ids=str
)
def test_fill_that_differs_at_the_broker_is_a_break(
    account: TradingAccount,
    agreeing: ScriptedBroker,
    order: Order,
    difference: dict[str, Any],
) -> None:
    agreeing.fills = [a_fill_report(order, **{"quantity": 1, **difference})]
    run(account, agreeing)
    assert Break.objects.get().kind == "FILL_DIFFERS"


def test_long_and_short_side_kept_apart_by_the_broker_are_netted(
    account: TradingAccount, agreeing: ScriptedBroker, order: Order
) -> None:
    symbol = order.instrument.symbol
    agreeing.positions = [a_position(symbol, 3), a_position(symbol, -2)]
    assert run(account, agreeing).result == "MATCHED"
    agreeing.positions = [a_position(symbol, 3), a_position(symbol, -1)]
    assert run(account, agreeing).result == "BREAKS"


@pytest.mark.parametrize("read", ["order_list_open", "fill_list_since", "position_list"])
@pytest.mark.parametrize(
    "failure",
    [
        Unavailable("connection refused"),
        Throttled("too fast", retry_after_seconds=1),
        OutcomeUnknown("no reply"),
        AuthenticationFailed("session has ended"),
        Rejected("no such account", code="10001"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_read_that_fails_is_a_failed_run_and_never_flat(
    account: TradingAccount, agreeing: ScriptedBroker, read: str, failure: BrokerError
) -> None:
    run(account, agreeing)
    agreeing.failures = {read: failure}
    found = run(account, agreeing)
    assert found.result == "FAILED"
    assert found.failure == f"{type(failure).__name__}: {failure}"
    assert Break.objects.exists() is False
    assert account_is_reconciled(account=account, since=None) is False


def test_read_that_fails_in_a_later_comparison_is_a_failed_run_too(
    account: TradingAccount, agreeing: ScriptedBroker
) -> None:
    agreeing.balances = []
    agreeing.failures = {"reports_since": Unavailable("gone")}
    assert run(account, agreeing).result == "FAILED"
    assert Break.objects.exists() is False


def test_break_opens_once_while_it_stands_and_again_when_it_comes_back(
    account: TradingAccount, agreeing: ScriptedBroker
) -> None:
    agreeing.balances = [cash_of(1)]
    first = run(account, agreeing)
    run(account, agreeing)
    found = Break.objects.get()
    assert found.run == first
    break_resolve(found=found, actor=UserFactory(), resolution="booked a deposit")
    run(account, agreeing)
    assert list(Break.objects.order_by("pk").values_list("state", flat=True)) == [
        "RESOLVED",
        "OPEN",
    ]
    assert AuditEvent.objects.filter(action="break.opened").count() == 2


def test_resolving_a_break_is_no_match_the_next_run_has_to_be(
    account: TradingAccount, agreeing: ScriptedBroker
) -> None:
    right, agreeing.balances = agreeing.balances, [cash_of(1)]
    run(account, agreeing)
    break_resolve(found=Break.objects.get(), actor=UserFactory(), resolution="theirs was late")
    assert account_is_reconciled(account=account, since=None) is False
    agreeing.balances = right
    assert run(account, agreeing).result == "MATCHED"
    assert account_is_reconciled(account=account, since=None) is True


def test_open_break_from_a_report_blocks_although_the_books_match(
    account: TradingAccount, agreeing: ScriptedBroker, order: Order
) -> None:
    report_take_in(account=account, report=a_fill_report(order, 9, trade_id="t9"))
    assert run(account, agreeing).result == "MATCHED"
    assert account_is_reconciled(account=account, since=None) is False


def test_match_from_before_the_start_of_the_desk_does_not_count(
    account: TradingAccount, agreeing: ScriptedBroker
) -> None:
    found = run(account, agreeing)
    later = found.started_at + timedelta(microseconds=1)
    assert account_is_reconciled(account=account, since=found.started_at) is True
    assert account_is_reconciled(account=account, since=later) is False


def test_account_that_was_never_reconciled_is_not(account: TradingAccount) -> None:
    assert account_is_reconciled(account=account, since=None) is False


def test_fill_that_happens_between_the_two_reads_is_no_break(
    account: TradingAccount, agreeing: ScriptedBroker, order: Order
) -> None:
    """The broker has filled the rest; its report reaches the desk with the next intake."""
    rest = a_fill_report(order, 1, trade_id="t2")
    agreeing.orders = []
    agreeing.fills.append(rest)
    agreeing.positions = [a_position(order.instrument.symbol, 2)]
    agreeing.balances = [cash_of("999.88")]
    agreeing.pages = {"": page_of(rest, cursor="1")}
    assert run(account, agreeing).result == "MATCHED"


def test_difference_that_keeps_changing_is_no_break_and_no_match(
    account: TradingAccount, agreeing: ScriptedBroker
) -> None:
    amounts = iter([D(1), D(2), D(3)])

    def cash_moves() -> None:
        agreeing.balances = [cash_of(next(amounts))]

    agreeing.before_read = cash_moves
    found = run(account, agreeing)
    assert found.result == "FAILED"
    assert "BooksKeptMoving: at last cash USDT is 999.94 at the desk and 3 at" in found.failure
    assert Break.objects.exists() is False
    assert account_is_reconciled(account=account, since=None) is False


def test_difference_that_stands_is_a_break_although_another_one_moves(
    account: TradingAccount, agreeing: ScriptedBroker
) -> None:
    amounts = iter([D(1), D(2), D(3)])

    def cash_moves() -> None:
        agreeing.balances = [cash_of(next(amounts))]

    agreeing.before_read = cash_moves
    agreeing.positions = []
    assert run(account, agreeing).result == "BREAKS"
    assert Break.objects.get().kind == "POSITION_DIFFERS"


def test_accounts_do_not_see_each_others_breaks(
    account: TradingAccount, agreeing: ScriptedBroker
) -> None:
    agreeing.balances = []
    run(account, agreeing)
    other = TradingAccount.objects.create(name="beta", broker="PAPER")
    assert run(other, ScriptedBroker()).result == "MATCHED"
    assert account_is_reconciled(account=other, since=None) is True
