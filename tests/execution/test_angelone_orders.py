"""Orders of the desk at Angel One, from intent to matched books, through lost answers."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.brokers.angelone.gateway import AngelOneGateway
from apps.brokers.registry import ADAPTERS
from apps.core.clock import wall_now
from apps.core.models import AuditEvent
from apps.execution.account_runner import account_tick
from apps.execution.services.absence import AbsenceRefused, order_absence_confirm
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderType, Side
from apps.orders.models import InstrumentFreeze, Order
from apps.positions.services import deposit_book
from apps.reconciliation.models import Break, ReconciliationRun
from apps.reconciliation.services import reconciliation_run, reports_intake
from tests.brokers.angelone.venue_desk import VenueDesk, venue_desk
from tests.contracts.angelone import gateway_to
from tests.factories.accounts import GroupFactory, UserFactory
from tests.orders.builders import an_order

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
S = OrderStatus
CASH = D(10_000_000)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VenueDesk]:
    with venue_desk(tmp_path) as opened:
        monkeypatch.setitem(ADAPTERS, "ANGELONE", lambda account: gateway_to(opened.venue, account))
        deposit_book(
            account=opened.account,
            amount=CASH,
            currency="INR",
            occurred_at=wall_now(),
            source_id="start",
            description="for tests",
        )
        assert reconciled(opened) == "MATCHED"
        yield opened


def reconciled(desk: VenueDesk) -> str:
    reports_intake(account=desk.account, gateway=desk.gateway)
    run: ReconciliationRun = reconciliation_run(
        account=desk.account, gateway=desk.gateway, trigger="MANUAL"
    )
    assert run.result == "MATCHED", list(Break.objects.values_list("description", flat=True))
    return str(run.result)


def an_intent(desk: VenueDesk, key: str, **changes: Any) -> Order:
    terms: dict[str, Any] = {
        "order_type": OrderType.LIMIT,
        "limit_price": D(115),
        "quantity": D(2),
        "decided_at": wall_now(),
    }
    return an_order(
        account=desk.account, instrument=desk.instrument, key=key, **{**terms, **changes}
    )


def worked(desk: VenueDesk, order: Order) -> Order:
    """Work the account once, take the reports in, and return how the order stands."""
    account_tick(account_id=desk.account.pk)
    reports_intake(account=desk.account, gateway=desk.gateway)
    order.refresh_from_db()
    return order


def never_arrived(desk: VenueDesk) -> Order:
    desk.venue.fault("DROP_BEFORE", endpoint="placeOrder")
    order = worked(desk, an_intent(desk, "lost"))
    assert order.status == S.UNKNOWN
    return order


def placed(desk: VenueDesk) -> int:
    return len(desk.venue.journal().requests())


def test_order_goes_out_for_the_day_fills_and_the_books_match(desk: VenueDesk) -> None:
    order = worked(desk, an_intent(desk, "a"))
    assert (order.status, order.filled_quantity) == (S.FILLED, D(2))
    assert reconciled(desk) == "MATCHED"
    worked(desk, an_intent(desk, "b", side=Side.SELL, limit_price=D(85)))
    assert reconciled(desk) == "MATCHED"
    assert not Break.objects.exists()


def test_shares_that_are_paid_for_match_the_books_before_settlement(desk: VenueDesk) -> None:
    assert worked(desk, an_intent(desk, "a")).status == S.FILLED
    assert reconciled(desk) == "MATCHED"
    desk.venue.price("NSE:LEVEL-EQ", 104)
    assert worked(desk, an_intent(desk, "b", side=Side.SELL, limit_price=D(85))).status == S.FILLED
    assert reconciled(desk) == "MATCHED"


def test_stop_that_rests_within_its_bound_matches_the_books(desk: VenueDesk) -> None:
    stop = worked(
        desk, an_intent(desk, "s", order_type=OrderType.STOP, limit_price=None, stop_price=D(105))
    )
    assert (stop.status, stop.limit_price) == (S.NEW, None)
    assert reconciled(desk) == "MATCHED"


def test_order_whose_answer_was_lost_is_found_by_its_tag_and_never_sent_again(
    desk: VenueDesk,
) -> None:
    desk.venue.fault("DROP_AFTER", endpoint="placeOrder")
    order = worked(desk, an_intent(desk, "a"))
    if order.status == S.UNKNOWN:
        order = worked(desk, order)
    assert (order.status, order.filled_quantity) == (S.FILLED, D(2))
    assert placed(desk) == 1
    assert reconciled(desk) == "MATCHED"


def test_order_that_is_not_found_stays_in_doubt_and_its_instrument_frozen(desk: VenueDesk) -> None:
    order = never_arrived(desk)
    for _ in range(3):
        assert worked(desk, order).status == S.UNKNOWN
    assert InstrumentFreeze.objects.filter(order=order, released_at=None).exists()
    assert placed(desk) == 1


def test_order_whose_absence_the_closed_book_proves_ends_and_is_never_sent(
    desk: VenueDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = never_arrived(desk)
    monkeypatch.setattr(
        AngelOneGateway, "order_absence_evidence", lambda *_, **__: "the closed book has it not"
    )
    assert worked(desk, order).status == S.CANCELED
    assert not InstrumentFreeze.objects.filter(order=order, released_at=None).exists()
    assert worked(desk, order).status == S.CANCELED
    assert placed(desk) == 1


def two_people() -> tuple[User, User]:
    trader, officer = UserFactory(), UserFactory()
    officer.groups.add(GroupFactory(name=Role.RISK))
    return trader, officer


def test_two_people_end_an_order_that_no_book_shows_any_more(desk: VenueDesk) -> None:
    order = never_arrived(desk)
    trader, officer = two_people()
    Order.objects.filter(pk=order.pk).update(unknown_since=wall_now() - timedelta(hours=25))
    call_command(
        "order_never_arrived",
        order.client_order_id,
        account=desk.account.name,
        by=trader.email,
        confirmed_by=officer.email,
        reason="not in the contract note",
    )
    order.refresh_from_db()
    assert order.status == S.CANCELED
    event = AuditEvent.objects.get(action="order.absence_confirmed")
    assert event.details["confirmed_by"] == officer.email
    assert placed(desk) == 1


def test_nobody_ends_it_alone_too_early_or_against_the_broker(desk: VenueDesk) -> None:
    order = never_arrived(desk)
    trader, officer = two_people()
    before = AuditEvent.objects.count()
    terms: dict[str, Any] = {"order": order, "reason": "contract note"}
    with pytest.raises(AbsenceRefused, match="until a day"):
        order_absence_confirm(by=trader, confirmed_by=officer, **terms)
    Order.objects.filter(pk=order.pk).update(unknown_since=wall_now() - timedelta(hours=25))
    order.refresh_from_db()
    with pytest.raises(AbsenceRefused, match="two people"):
        order_absence_confirm(by=officer, confirmed_by=officer, **terms)
    with pytest.raises(AbsenceRefused, match="role risk or compliance"):
        order_absence_confirm(by=officer, confirmed_by=trader, **terms)
    with pytest.raises(AbsenceRefused, match="say what was looked at"):
        order_absence_confirm(order=order, by=trader, confirmed_by=officer, reason=" ")
    with pytest.raises(CommandError, match="has no order"):
        call_command(
            "order_never_arrived",
            "NOBODY",
            account=desk.account.name,
            by=trader.email,
            confirmed_by=officer.email,
            reason="x",
        )
    order.refresh_from_db()
    assert order.status == S.UNKNOWN
    assert AuditEvent.objects.count() == before
