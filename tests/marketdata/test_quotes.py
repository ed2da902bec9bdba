"""The newest quote of an instrument, whatever order quotes arrive in."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.marketdata.domain.errors import MarketDataRefused
from apps.marketdata.domain.quotes import QuoteView, quote_around
from apps.marketdata.models import Instrument, Quote
from apps.marketdata.selectors import quote_latest
from apps.marketdata.services import quote_record
from tests.factories.marketdata import InstrumentFactory
from tests.marketdata.bars import START

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def instrument() -> Instrument:
    return InstrumentFactory()


def kept(instrument: Instrument, last: str, *, seconds: int = 0, **prices: Decimal) -> bool:
    return quote_record(
        instrument=instrument,
        quote=QuoteView(last=D(last), **prices),
        source="TICKER",
        quoted_at=START + timedelta(seconds=seconds),
    )


def latest(instrument: Instrument) -> Quote:
    found = quote_latest(instrument=instrument)
    assert found is not None
    return found


def test_a_newer_quote_replaces_and_an_older_one_does_not(instrument: Instrument) -> None:
    assert kept(instrument, "100", seconds=5)
    assert not kept(instrument, "90", seconds=4)
    assert kept(instrument, "101", seconds=6)
    assert latest(instrument).last == 101
    assert Quote.objects.count() == 1


@pytest.mark.parametrize(
    ("last", "prices", "words"),
    [
        ("0", {}, "none"),
        ("NaN", {}, "none"),
        ("100", {"bid": D(-1), "ask": D(2)}, "none"),
        ("100", {"bid": D(102), "ask": D(101)}, "bid above its ask"),
    ],
)
def test_a_quote_that_cannot_be_is_refused_and_the_one_before_stays(
    instrument: Instrument, last: str, prices: dict[str, Decimal], words: str
) -> None:
    kept(instrument, "99")
    with pytest.raises(MarketDataRefused, match=words):
        kept(instrument, last, seconds=1, **prices)
    assert latest(instrument).last == 99


def test_nothing_is_known_before_the_first_quote(instrument: Instrument) -> None:
    assert quote_latest(instrument=instrument) is None


def test_a_quote_around_a_price_is_a_tick_wide_on_each_side() -> None:
    assert quote_around(D(10), tick_size=D("0.5")) == QuoteView(
        last=D(10), bid=D("9.5"), ask=D("10.5")
    )
    assert quote_around(D("0.5"), tick_size=D("0.5")).bid == D("0.5")
