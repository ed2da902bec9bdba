import pytest

from apps.marketdata.catalogue import CATALOGUE, GENERATED_MARKETS
from apps.marketdata.domain.errors import UnknownInstrument
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import instrument_list_tradable
from apps.marketdata.services import instrument_ensure
from tests.factories.marketdata import InstrumentFactory

pytestmark = pytest.mark.django_db


def test_an_unknown_symbol_is_refused_with_the_nearest_known_and_nothing_is_written() -> None:
    with pytest.raises(UnknownInstrument, match=r"'BYBIT:BTCUSD'.*BYBIT:BTCUSDT\.P"):
        instrument_ensure(symbol="BYBIT:BTCUSD")
    assert not Instrument.objects.exists()


def test_a_symbol_in_the_wrong_case_is_named_right() -> None:
    with pytest.raises(UnknownInstrument, match="NSE:RELIANCE"):
        instrument_ensure(symbol="nse:reliance")


def test_a_symbol_like_nothing_known_gets_the_whole_list() -> None:
    with pytest.raises(UnknownInstrument, match=r"known are BYBIT:AAVEUSDT\.P, .*NSE:RELIANCE"):
        instrument_ensure(symbol="#")


@pytest.mark.parametrize("symbol", sorted(CATALOGUE))
def test_every_catalogue_entry_is_created_once(symbol: str) -> None:
    created = instrument_ensure(symbol=symbol)
    created.full_clean()
    assert instrument_ensure(symbol=symbol) == created
    assert created.venue == symbol.split(":", maxsplit=1)[0]
    assert Instrument.objects.count() == 1


def test_a_stored_change_outlives_the_catalogue() -> None:
    instrument = instrument_ensure(symbol="NSE:ABB")
    instrument.is_tradable = False
    instrument.save()
    assert instrument_ensure(symbol="NSE:ABB").is_tradable is False


def test_indices_are_not_tradable() -> None:
    assert not instrument_ensure(symbol="NSE:NIFTY50").is_tradable


def test_generated_markets_are_instruments_of_the_catalogue() -> None:
    assert set(GENERATED_MARKETS) == {symbol for symbol in CATALOGUE if symbol.startswith("DEMO:")}


def test_copies_that_replays_left_are_not_offered_for_trading() -> None:
    InstrumentFactory(symbol="TEST:ACME")
    InstrumentFactory(symbol="TEST:ACME~b0f7c32e29")
    assert [each.symbol for each in instrument_list_tradable()] == ["TEST:ACME"]
