"""Only the book of a session that has ended proves that an order never arrived."""

from datetime import datetime, timedelta
from unittest.mock import Mock

import pytest
from django.core.cache import cache
from pytest_django import Settings

from apps.brokers.angelone.absence import absence_evidence, session_end
from apps.brokers.models import AngelOneSentOrder
from apps.core.clock import standing_at
from apps.orders.domain.ports import Unavailable
from tests.contracts.angelone import MIDDAY
from tests.factories.accounts import TradingAccountFactory

pytestmark = pytest.mark.django_db
CLOSE = MIDDAY.replace(hour=10, minute=0)  # 15:30 in India


@pytest.fixture
def sent() -> AngelOneSentOrder:
    cache.clear()
    made: AngelOneSentOrder = AngelOneSentOrder.objects.create(
        account=TradingAccountFactory(broker="ANGELONE", mode="LIVE"),
        client_order_id="A1",
        symbol="NSE:LEVEL",
        is_bounded_stop=False,
        sent_at=MIDDAY,
    )
    return made


def looked_at(sent: AngelOneSentOrder, *moments: datetime, finds: object = None) -> list[bool]:
    proofs = []
    for moment in moments:
        with standing_at(moment):
            proofs.append(absence_evidence(sent=sent, look=lambda: finds) is not None)  # type: ignore[arg-type,return-value]  # stands for a row
    return proofs


def after(minutes: float) -> datetime:
    return CLOSE + timedelta(minutes=minutes)


def test_silence_while_the_session_runs_proves_nothing(sent: AngelOneSentOrder) -> None:
    assert looked_at(sent, MIDDAY, MIDDAY + timedelta(hours=2), after(-1), after(10)) == [False] * 4


def test_two_looks_apart_after_the_close_prove_it(sent: AngelOneSentOrder) -> None:
    assert looked_at(sent, after(16), after(16.5), after(17.5)) == [False, False, True]


def test_order_that_is_in_the_book_is_never_absent_and_looks_begin_anew(
    sent: AngelOneSentOrder,
) -> None:
    assert looked_at(sent, after(16)) == [False]
    assert looked_at(sent, after(18), finds=Mock()) == [False]
    assert looked_at(sent, after(19)) == [False]


def test_failed_look_proves_nothing(sent: AngelOneSentOrder) -> None:
    with standing_at(after(20)), pytest.raises(Unavailable):
        absence_evidence(sent=sent, look=Mock(side_effect=Unavailable("away")))
    assert looked_at(sent, after(22)) == [False]


def test_book_of_the_next_day_proves_nothing(sent: AngelOneSentOrder) -> None:
    morning, evening = MIDDAY + timedelta(days=1), after(24 * 60 + 20)
    assert looked_at(sent, morning, evening, evening + timedelta(minutes=5)) == [False] * 3


def test_order_sent_outside_a_session_is_left_to_people(sent: AngelOneSentOrder) -> None:
    sent.sent_at = MIDDAY - timedelta(days=2)  # a Sunday
    assert session_end(sent.sent_at) is None
    assert looked_at(sent, after(20), after(30)) == [False, False]


def test_desk_that_has_chosen_so_ends_an_order_after_two_looks_at_the_running_day(
    sent: AngelOneSentOrder, settings: Settings
) -> None:
    settings.ANGELONE_ABSENCE_SECONDS = 45
    soon = MIDDAY + timedelta(seconds=5)
    moments = (soon, soon + timedelta(seconds=44), soon + timedelta(seconds=45))
    assert looked_at(sent, *moments) == [False, False, True]


def test_chosen_patience_begins_anew_when_the_order_shows_and_never_outlasts_the_day(
    sent: AngelOneSentOrder, settings: Settings
) -> None:
    settings.ANGELONE_ABSENCE_SECONDS = 45
    minute = timedelta(minutes=1)
    assert looked_at(sent, MIDDAY + minute) == [False]
    assert looked_at(sent, MIDDAY + 2 * minute, finds=Mock()) == [False]
    assert looked_at(sent, MIDDAY + 3 * minute) == [False]
    tomorrow = MIDDAY + timedelta(days=1)
    assert looked_at(sent, tomorrow, tomorrow + 5 * minute) == [False, False]
