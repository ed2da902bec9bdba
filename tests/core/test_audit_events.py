from datetime import UTC, datetime

import pytest
from django.db import transaction

from apps.core.clock import standing_at
from apps.core.models import AuditEvent
from apps.core.services import AuditOutsideTransaction, audit_record
from tests.factories.accounts import TradingAccountFactory, UserFactory

THEN = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_event_says_who_did_what_to_which_thing_when_and_why() -> None:
    account, actor = TradingAccountFactory(name="alpha"), UserFactory(email="colin@desk.example")
    with standing_at(THEN):
        event = audit_record(
            action="account.closed",
            subject=account,
            actor=actor,
            reason="the broker asked for it",
            details={"state_before": "open"},
        )
    event.refresh_from_db()
    assert (event.action, event.subject_type, event.subject_id, event.subject_label) == (
        "account.closed",
        "accounts.TradingAccount",
        str(account.pk),
        str(account),
    )
    assert (event.actor_id, event.actor_label) == (actor.pk, "colin@desk.example")
    assert (event.reason, event.details) == ("the broker asked for it", {"state_before": "open"})
    assert event.occurred_at == THEN
    assert event.recorded_at > THEN
    assert str(event) == f"account.closed {account}"


@pytest.mark.django_db
def test_where_no_person_acted_the_process_is_named() -> None:
    event = audit_record(
        action="account.closed", subject=TradingAccountFactory(), process="reconciliation"
    )
    assert (event.actor_id, event.actor_label) == (None, "reconciliation")


@pytest.mark.django_db(transaction=True)
def test_event_outside_a_transaction_is_refused_and_nothing_is_written() -> None:
    account = TradingAccountFactory()
    with pytest.raises(AuditOutsideTransaction, match="must be recorded in the transaction"):
        audit_record(action="account.closed", subject=account)
    assert AuditEvent.objects.exists() is False


@pytest.mark.django_db(transaction=True)
def test_event_goes_with_the_change_that_was_rolled_back() -> None:
    account = TradingAccountFactory()
    with transaction.atomic():
        audit_record(action="account.closed", subject=account)
        transaction.set_rollback(True)
    assert AuditEvent.objects.exists() is False
