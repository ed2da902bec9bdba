"""A deployment that executes again and again is stopped until a named person enables it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from apps.core.models import AuditEvent
from apps.orders.models import Order
from apps.positions.models import Position
from apps.risk.models import LimitKind, RiskDecision, ThrottleTrip
from apps.risk.services import RiskChangeRefused, throttle_enable
from apps.strategies.models import Deployment
from tests.execution.chain import START, deployment_running, play, statuses
from tests.factories.accounts import UserFactory
from tests.factories.risk import RiskLimitFactory

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def wild() -> Deployment:
    """Has entered once within the minute, may do so once, and holds what it bought."""
    deployment = deployment_running()
    RiskLimitFactory(account=deployment.account, kind=LimitKind.REPEATED_EXECUTIONS, value=D(1))
    play(deployment, "100.25", "101.00")
    assert statuses(deployment) == [("ENTRY", "BUY", "FILLED")]
    return deployment


def hurry() -> None:
    """Let what has entered lie half a minute before the third bar closes."""
    Order.objects.filter(role="ENTRY").update(decided_at=START + timedelta(minutes=14.5))


def test_executions_that_are_far_enough_apart_stop_nothing(wild: Deployment) -> None:
    play(wild, "101.50", "101.00", first=2)
    assert Position.objects.get().quantity == -1
    assert not ThrottleTrip.objects.exists()


def test_one_execution_too_many_is_left_out_and_stops_the_deployment(wild: Deployment) -> None:
    hurry()
    play(wild, "101.50", "102.00", first=2)
    decision = RiskDecision.objects.latest("pk")
    assert (decision.outcome, decision.intent["role"]) == ("ALLOWED", "EXIT")
    assert [warned["check"] for warned in decision.warnings] == ["repeated_executions"]
    trip = ThrottleTrip.objects.get()
    assert (trip.deployment, trip.enabled_at, trip.enabled_by) == (wild, None, None)
    assert AuditEvent.objects.filter(action="throttle.tripped").count() == 1
    # What it may not turn it closes: the strategy does not want this side any more
    assert statuses(wild) == [("ENTRY", "BUY", "FILLED"), ("EXIT", "SELL", "FILLED")]


def test_a_stopped_deployment_leaves_and_enters_no_more(wild: Deployment) -> None:
    hurry()
    play(wild, "101.50", "101.75", "101.00", "101.25", "101.00", first=2)
    assert statuses(wild) == [("ENTRY", "BUY", "FILLED"), ("EXIT", "SELL", "FILLED")]
    assert Position.objects.get().quantity == 0
    denied = RiskDecision.objects.filter(outcome=RiskDecision.Outcome.DENIED).order_by("pk")
    assert [row.check_name for row in denied] == ["throttled"]
    assert "a person must enable it again" in denied[0].reason
    assert ThrottleTrip.objects.count() == 1


def test_time_alone_does_not_enable_it(wild: Deployment) -> None:
    hurry()
    play(wild, "101.50", "101.75", *["101.00"] * 40, "101.25", "101.00", first=2)
    assert Position.objects.get().quantity == 0


def test_only_a_named_person_with_a_reason_enables_it(wild: Deployment) -> None:
    hurry()
    play(wild, "101.50", "101.75", "101.00", first=2)
    trip, officer = ThrottleTrip.objects.get(), UserFactory()
    with pytest.raises(RiskChangeRefused, match="needs a reason"):
        throttle_enable(trip=trip, actor=officer, reason=" ")
    throttle_enable(trip=trip, actor=officer, reason="the feed repeated itself")
    play(wild, "101.25", "101.00", first=5)
    assert Position.objects.get().quantity == 1
    trip.refresh_from_db()
    assert trip.enabled_by == officer
    event = AuditEvent.objects.get(action="throttle.enabled")
    assert event.reason == "the feed repeated itself"
    with pytest.raises(RiskChangeRefused, match="enabled already"):
        throttle_enable(trip=trip, actor=officer, reason="again")


def test_the_database_knows_no_enabling_without_a_person(wild: Deployment) -> None:
    hurry()
    play(wild, "101.50", first=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        ThrottleTrip.objects.update(enabled_at=START)
