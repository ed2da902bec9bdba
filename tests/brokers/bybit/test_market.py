"""Bars come finished, once, in order and without holes; quotes are the newest; lists are whole."""

import itertools
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from apps.brokers.bybit.candles import BACKFILL_BARS, bar_take, bars_fill
from apps.brokers.bybit.hosts import Hosts
from apps.brokers.bybit.market import MOST_BARS, bars_read, quote_read
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.streams import Followed, MarketFeed
from apps.brokers.bybit.streams.market import QUOTE_SECONDS
from apps.brokers.bybit.symbols import VenueSymbol
from apps.core.models import AuditEvent
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Candle, Instrument, Quote
from apps.orders.domain.ports import Unavailable
from tests.brokers.bybit.conftest import no_circuit, no_limit
from tests.brokers.bybit.scripted import ScriptedVenue, answered, scripted_venue
from tests.brokers.bybit.test_streams import until
from tests.factories.marketdata import InstrumentFactory
from tests.venues.bybit import BybitVenue, bybit_venue

D = Decimal
BTC = VenueSymbol("linear", "BTCUSDT")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
M1 = Timeframe.M1


def public_session(rest: str, stream: str = "") -> BybitSession:
    hosts = Hosts("mainnet", rest, stream, stream)
    return BybitSession("market", hosts, permit=no_limit, circuit=no_circuit)


@pytest.fixture
def scripted() -> Iterator[ScriptedVenue]:
    with scripted_venue() as venue:
        yield venue


def a_row(open_at: datetime, **changes: str) -> list[str]:
    values = {"o": "100", "h": "101", "l": "99", "c": "100.5", "v": "7", "t": "700", **changes}
    return [str(int(open_at.timestamp() * 1000)), *values.values()]


def klines(*rows: object, symbol: str = "BTCUSDT") -> bytes:
    return answered({"category": "linear", "symbol": symbol, "list": list(rows)})


def read(venue: ScriptedVenue, *, bars: int = 3, seconds_after: float = 5.0) -> list[Bar]:
    until_at = FIRST + M1.delta * bars + timedelta(seconds=seconds_after)
    return bars_read(public_session(venue.url), BTC, M1, first_at=FIRST, until=until_at)


def test_bars_come_oldest_first_and_without_the_one_that_is_still_open(
    scripted: ScriptedVenue,
) -> None:
    newest_first = [a_row(FIRST + M1.delta * number) for number in (3, 2, 1, 0)]
    scripted.says("/v5/market/kline", klines(*newest_first))
    bars = read(scripted, bars=3)
    assert [bar.open_at for bar in bars] == [FIRST + M1.delta * number for number in range(3)]
    assert bars[0].close_at == FIRST + M1.delta
    assert (bars[0].open, bars[0].close, bars[0].volume) == (D(100), D("100.5"), D(7))


def test_bar_that_has_only_just_closed_is_left_alone_for_a_moment(scripted: ScriptedVenue) -> None:
    scripted.says("/v5/market/kline", klines(a_row(FIRST)))
    assert read(scripted, bars=1, seconds_after=0.5) == []
    assert len(read(scripted, bars=1, seconds_after=1.0)) == 1


@pytest.mark.parametrize(
    "row",
    [
        a_row(FIRST + timedelta(seconds=1)),
        a_row(FIRST - M1.delta),
        a_row(FIRST, h="98"),
        a_row(FIRST, l="102"),
        a_row(FIRST, v="-1"),
        a_row(FIRST, o="NaN"),
        a_row(FIRST, c="0"),
        a_row(FIRST)[:4],
        {"start": 1},
        ["x"] * 7,
        None,
    ],
    ids=str,
)
def test_bar_that_cannot_be_true_fails_the_read(scripted: ScriptedVenue, row: object) -> None:
    scripted.says("/v5/market/kline", klines(row))
    with pytest.raises(Unavailable):
        read(scripted)


def test_bars_of_another_symbol_or_twice_the_same_fail_the_read(scripted: ScriptedVenue) -> None:
    for reply in (klines(a_row(FIRST), symbol="ETHUSDT"), klines(a_row(FIRST), a_row(FIRST))):
        scripted.says("/v5/market/kline", reply)
        with pytest.raises(Unavailable):
            read(scripted)


def test_long_stretch_is_asked_for_in_pages_that_hold_it_whole(scripted: ScriptedVenue) -> None:
    scripted.says("/v5/market/kline", klines())
    read(scripted, bars=MOST_BARS * 2 + 5)
    asked = [
        dict(part.split("=") for part in request.query.split("&")) for request in scripted.heard
    ]
    spans = [(int(query["start"]), int(query["end"])) for query in asked]
    assert [(end - start) // 60_000 for start, end in spans] == [MOST_BARS - 1] * 3
    assert [start for start, _ in spans[1:]] == [end + 60_000 for _, end in spans[:-1]]


@pytest.mark.django_db
class TestStored:
    @pytest.fixture
    def instrument(self) -> Instrument:
        found: Instrument = InstrumentFactory(
            symbol="BYBIT:BTCUSDT.P", venue="BYBIT", kind="PERPETUAL", quote_currency="USDT"
        )
        return found

    @pytest.fixture
    def venue(self, tmp_path: Path) -> Iterator[BybitVenue]:
        with bybit_venue(tmp_path, prices={"BTCUSDT": "100"}) as running:
            yield running

    def opens(self, instrument: Instrument) -> list[datetime]:
        candles = Candle.objects.filter(instrument=instrument, timeframe="1m")
        return list(candles.order_by("open_at").values_list("open_at", flat=True))

    def test_instrument_without_bars_is_filled_back_and_then_kept_up(
        self, venue: BybitVenue, instrument: Instrument
    ) -> None:
        session = public_session(venue.url)
        new = bars_fill(session, instrument=instrument, timeframe=M1)
        opens = self.opens(instrument)
        assert new == len(opens)
        assert BACKFILL_BARS - 2 <= new <= BACKFILL_BARS
        assert {after - before for before, after in itertools.pairwise(opens)} == {M1.delta}
        assert bars_fill(session, instrument=instrument, timeframe=M1) <= 1

    def test_bar_after_a_hole_is_stored_behind_what_was_missed(
        self, venue: BybitVenue, instrument: Instrument
    ) -> None:
        session = public_session(venue.url)
        bars_fill(session, instrument=instrument, timeframe=M1)
        missed = list(Candle.objects.order_by("-open_at")[:5])
        latest = missed[0].to_bar()
        Candle.objects.filter(pk__in=[candle.pk for candle in missed]).delete()
        new = bar_take(session, instrument=instrument, timeframe=M1, bar=latest)
        assert new == 5
        opens = self.opens(instrument)
        assert opens[-1] == latest.open_at
        assert {after - before for before, after in itertools.pairwise(opens)} == {M1.delta}

    def test_bar_after_a_hole_that_cannot_be_read_is_not_stored_over_it(
        self, venue: BybitVenue, instrument: Instrument
    ) -> None:
        session = public_session(venue.url)
        bars_fill(session, instrument=instrument, timeframe=M1)
        newest = list(Candle.objects.order_by("-open_at")[:3])
        Candle.objects.filter(pk__in=[candle.pk for candle in newest]).delete()
        before = self.opens(instrument)
        venue.fault("STATUS_503", endpoint="market/kline")
        with pytest.raises(Unavailable):
            bar_take(session, instrument=instrument, timeframe=M1, bar=newest[0].to_bar())
        assert self.opens(instrument) == before

    def test_bar_that_comes_twice_late_or_with_other_values_changes_nothing_stored(
        self, venue: BybitVenue, instrument: Instrument
    ) -> None:
        session = public_session(venue.url)
        bars_fill(session, instrument=instrument, timeframe=M1)
        before = list(Candle.objects.order_by("open_at").values())
        stored = Candle.objects.order_by("-open_at")[1].to_bar()
        other = Bar(
            **{
                **{name: getattr(stored, name) for name in stored.__dataclass_fields__},
                "volume": D(9),
            }
        )
        for bar in (stored, stored, other):
            assert bar_take(session, instrument=instrument, timeframe=M1, bar=bar) == 0
        assert list(Candle.objects.order_by("open_at").values()) == before

    def test_ticker_is_read(self, venue: BybitVenue) -> None:
        venue.price("BTCUSDT", 101)
        quote = quote_read(public_session(venue.url), BTC)
        assert quote.last == D(101)
        assert quote.bid is not None
        assert quote.ask is not None
        assert quote.bid <= quote.ask

    def test_instruments_are_imported_with_their_limits_on_the_record(
        self, venue: BybitVenue
    ) -> None:
        with override_settings(BYBIT_REST_URL=venue.url):
            call_command("bybit_instruments", "BTCUSDT", "ETHUSDT")
            call_command("bybit_instruments", "BTCUSDT", "--category", "spot")
        perpetual = Instrument.objects.get(symbol="BYBIT:BTCUSDT.P")
        assert (perpetual.kind, perpetual.quote_currency) == ("PERPETUAL", "USDT")
        assert (perpetual.tick_size, perpetual.lot_size) == (D("0.1"), D("0.001"))
        assert (perpetual.minimum_notional, perpetual.maximum_quantity) == (D(5), D(500))
        assert perpetual.initial_margin_ratio == 1
        assert Instrument.objects.get(symbol="BYBIT:BTCUSDT").kind == "SPOT"
        events = AuditEvent.objects.filter(action="instrument.listed").count()
        assert events == 3
        with override_settings(BYBIT_REST_URL=venue.url):
            call_command("bybit_instruments", "BTCUSDT")
        assert AuditEvent.objects.filter(action__startswith="instrument.").count() == events


@pytest.mark.django_db(transaction=True)
def test_feed_stores_finished_bars_and_quotes_and_says_so(tmp_path: Path) -> None:
    instrument: Instrument = InstrumentFactory(
        symbol="BYBIT:BTCUSDT.P", venue="BYBIT", kind="PERPETUAL", quote_currency="USDT"
    )
    told: list[tuple[str, Timeframe]] = []
    with bybit_venue(tmp_path, prices={"BTCUSDT": "100"}) as venue:
        feed = MarketFeed(
            session=public_session(venue.url, venue.ws_url),
            category="linear",
            on_bars=lambda found, timeframe: told.append((found.symbol, timeframe)),
        )
        feed.start()
        try:
            feed.follow([Followed(instrument, frozenset({M1}))])
            until(lambda: Candle.objects.count() >= BACKFILL_BARS - 2)
            until(lambda: told == [("BYBIT:BTCUSDT.P", M1)])
            quoted(venue, 107)
            newest = Candle.objects.order_by("-open_at")[0].to_bar()
            following = newest.open_at + M1.delta
            candle = kline(following, confirm=False)
            venue.control("kline", symbol="BTCUSDT", candle=candle)
            Candle.objects.filter(open_at=newest.open_at).delete()
            venue.control("kline", symbol="BTCUSDT", candle=kline(newest.open_at, confirm=True))
            until(lambda: Candle.objects.filter(open_at=newest.open_at).exists())
            assert not Candle.objects.filter(open_at=following, volume=D(77)).exists()
        finally:
            feed.stop()


class TwoConnections:
    """A stream that tells a ticker and is cut, and on its next connection tells a book alone."""

    def __init__(self) -> None:
        self.made = 0
        self.began_at = datetime.now(UTC)

    def __call__(self, _place: object, *, on_message: Any, on_garbage: Any) -> "TwoConnections":
        self.made += 1
        self.on_message = on_message
        self.heard_at = self.data_at = time.monotonic()
        self.refused: set[str] = set()
        self.end_reason = "cut"
        return self

    @property
    def is_up(self) -> bool:
        return self.made > 1 or not Quote.objects.exists()

    def subscribe(self, topics: Iterable[str]) -> None:
        if not topics:
            return
        if self.made == 1:
            self.tells("tickers.BTCUSDT", 0, {"lastPrice": "107"}, type="snapshot")
        else:
            self.tells("orderbook.1.BTCUSDT", 1, {"b": [["49", "1"]], "a": [["50", "1"]]})

    def tells(self, topic: str, seconds: int, body: dict[str, Any], **words: str) -> None:
        at = self.began_at + timedelta(seconds=seconds)
        ts = int(at.timestamp() * 1000)
        self.on_message({"topic": topic, "ts": ts, "data": body, **words})

    def unsubscribe(self, topics: Iterable[str]) -> None: ...

    def close(self) -> None: ...


@pytest.mark.django_db(transaction=True)
def test_book_of_a_new_connection_lends_its_time_to_no_price_from_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instrument: Instrument = InstrumentFactory(
        symbol="BYBIT:BTCUSDT.P", venue="BYBIT", kind="PERPETUAL", quote_currency="USDT"
    )
    wire = TwoConnections()
    monkeypatch.setattr("apps.brokers.bybit.streams.supervisor.StreamConnection", wire)
    feed = MarketFeed(
        session=public_session("http://127.0.0.1:9"), category="linear", on_bars=lambda *_: None
    )
    feed.follow([Followed(instrument, frozenset())])
    feed.start()
    try:
        until(lambda: wire.made == 2)
        time.sleep(2 * QUOTE_SECONDS)
        quotes = list(Quote.objects.values_list("last", "bid", "ask"))
        assert quotes == [(D(107), None, None)]
        wire.tells("tickers.BTCUSDT", 2, {"lastPrice": "50"}, type="snapshot")
        until(lambda: Quote.objects.filter(last=D(50), bid=D(49), ask=D(50)).exists())
    finally:
        feed.stop()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("seconds", "is_taken"), [(3600, False), (2, True)])
def test_price_from_the_future_is_refused_as_it_would_keep_true_ones_out(
    seconds: int, is_taken: bool
) -> None:
    instrument: Instrument = InstrumentFactory(
        symbol="BYBIT:BTCUSDT.P", venue="BYBIT", kind="PERPETUAL", quote_currency="USDT"
    )
    feed = MarketFeed(
        session=public_session("http://127.0.0.1:9"), category="linear", on_bars=lambda *_: None
    )
    feed.follow([Followed(instrument, frozenset())])
    ts = int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp() * 1000)
    body = {"topic": "tickers.BTCUSDT", "ts": ts, "data": {"lastPrice": "107"}, "type": "snapshot"}
    feed.on_message(body)
    feed._write()
    assert Quote.objects.exists() is is_taken


def quoted(venue: BybitVenue, price: int) -> None:
    def is_quoted() -> bool:
        quote = Quote.objects.filter(last=D(price)).first()
        return quote is not None and quote.bid is not None and quote.bid <= (quote.ask or quote.bid)

    until(is_quoted, meanwhile=lambda: venue.price("BTCUSDT", price))


def kline(open_at: datetime, *, confirm: bool) -> dict[str, Any]:
    start = int(open_at.timestamp() * 1000)
    prices = {"open": "100", "close": "100", "high": "100", "low": "100"}
    return {
        **prices,
        "start": start,
        "end": start + 59_999,
        "interval": "1",
        "volume": "77",
        "turnover": "7700",
        "confirm": confirm,
        "timestamp": int(time.time() * 1000),
    }
