"""A key that ends soon, has ended or is refused is told before a trade needs it."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.accounts.models import Broker, BrokerCredential, TradingMode
from apps.accounts.selectors import credential_list_troubled, credential_trouble
from apps.accounts.services import (
    credential_check_record,
    credential_revoke,
    credential_store,
    credentials_warn,
)
from apps.accounts.tasks import credentials_warn_task
from apps.core.clock import standing_at
from apps.core.models import AuditEvent
from tests.factories.accounts import BYBIT_VALUES, TradingAccountFactory

pytestmark = pytest.mark.django_db

START = datetime(2026, 6, 1, 12, tzinfo=UTC)


def ending_in(days: float | None, *, name: str = "testnet") -> BrokerCredential:
    account = TradingAccountFactory(name=name, broker=Broker.BYBIT, mode=TradingMode.TEST)
    ends = None if days is None else START + timedelta(days=days)
    with standing_at(START):
        return credential_store(account=account, values=BYBIT_VALUES, expires_at=ends)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (None, ""),
        (90, ""),
        (14.1, ""),
        (14, "ends on 2026-06-15, in 14 days"),
        (2, "ends on 2026-06-03, in 2 days"),
        (0.5, "ends on 2026-06-02, within two days"),
    ],
)
def test_the_last_two_weeks_of_a_key_are_told(days: float | None, words: str) -> None:
    credential = ending_in(days)
    with standing_at(START):
        trouble = credential_trouble(credential)
        assert words in trouble
        assert bool(trouble) == bool(words)
        assert credential_list_troubled().exists() == bool(words)


def test_a_key_that_has_ended_is_told_for_as_long_as_it_is_in_use() -> None:
    credential = ending_in(3)
    with standing_at(START + timedelta(days=60)):
        assert "the key …ests of testnet ended on 2026-06-04" in credential_trouble(credential)
        credential_revoke(credential=credential, by=None, reason="it ended")
        assert not credential_list_troubled().exists()


def test_a_refusal_of_the_broker_is_told_first() -> None:
    credential = ending_in(90)
    refused = credential_check_record(credential=credential, error="API key is invalid.")
    assert "was refused by its broker: API key is invalid." in credential_trouble(refused)
    assert credential_list_troubled().get() == refused


def test_the_earliest_end_comes_first() -> None:
    for days in (10, 3, 7):
        ending_in(days, name=f"in-{days}")
    with standing_at(START):
        assert [str(each.account) for each in credential_list_troubled()] == [
            "in-3",
            "in-7",
            "in-10",
        ]


def test_a_warning_is_logged_each_time_and_recorded_once_a_day(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ending_in(10)
    for hours in (0, 1, 13):
        with standing_at(START + timedelta(hours=hours)):
            assert credentials_warn_task() == 1
    warned = AuditEvent.objects.filter(action="credential.warned")
    assert warned.count() == 2
    assert "ends on 2026-06-11" in warned[0].reason
    assert caplog.text.count("the key …ests of testnet ends on 2026-06-11") == 3


def test_where_nothing_ends_nothing_is_written() -> None:
    ending_in(90)
    with standing_at(START):
        assert credentials_warn() == 0
    assert not AuditEvent.objects.filter(action="credential.warned").exists()
