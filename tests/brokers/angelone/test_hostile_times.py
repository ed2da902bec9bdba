"""A tick from the future is no tick: it would be the newest price, and end bars, until then."""

from datetime import timedelta
from pathlib import Path

import pytest

from apps.brokers.angelone.listings import listed
from apps.core.clock import now
from apps.marketdata.models import Quote
from tests.brokers.angelone.packing import packet
from tests.brokers.angelone.venue_desk import venue_desk

pytestmark = pytest.mark.django_db(transaction=True)


def test_tick_from_the_future_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with venue_desk(tmp_path) as desk:
        listener = desk.market()
        token = listed(desk.instrument.symbol).symbol_token
        for seconds, is_taken in ((3600, False), (2, True)):
            at = now() + timedelta(seconds=seconds)
            words = packet(token=token, at=int(at.timestamp() * 1000), sequence=seconds)
            assert listener.message(words) is is_taken
            assert Quote.objects.exists() is is_taken
