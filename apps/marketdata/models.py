"""Instruments, their hot window of candles, import runs with quarantine, and simulated feeds."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models

from apps.core.clock import now
from apps.core.fields import AmountField, CurrencyField
from apps.core.models import AppendOnlyModel
from apps.marketdata.domain.calendars import CALENDARS
from apps.marketdata.domain.errors import FeedRefused
from apps.marketdata.domain.feeds import feed_settings
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar

TIMEFRAMES = [(timeframe.value, timeframe.value) for timeframe in Timeframe]


class InstrumentKind(models.TextChoices):
    """How a position in the instrument is booked."""

    SPOT = "SPOT", "Spot"
    PERPETUAL = "PERPETUAL", "Linear perpetual"
    EQUITY = "EQUITY", "Equity"
    INDEX = "INDEX", "Index (not tradable)"


class Instrument(models.Model):
    """Something that can be traded, or watched, at one venue."""

    symbol = models.CharField(
        max_length=60, unique=True, help_text="VENUE:CODE, such as BYBIT:BTCUSDT.P"
    )
    venue = models.CharField(max_length=20)
    kind = models.CharField(max_length=12, choices=InstrumentKind.choices)
    quote_currency = CurrencyField(help_text="Currency of price, cash flow and P&L")
    tick_size = AmountField(help_text="Smallest step of the price")
    lot_size = AmountField(help_text="Smallest step of the quantity, and smallest quantity")
    minimum_notional = AmountField(default=Decimal(0))
    multiplier = AmountField(default=Decimal(1), help_text="Quote units per point and unit")
    maximum_quantity = AmountField(
        null=True, blank=True, help_text="Most units of one order; in India the freeze quantity"
    )
    lower_price_band = AmountField(null=True, blank=True, help_text="Lowest price taken today")
    upper_price_band = AmountField(null=True, blank=True, help_text="Highest price taken today")
    initial_margin_ratio = AmountField(
        default=Decimal(1), help_text="Part of the notional that a position ties up"
    )
    calendar = models.CharField(
        max_length=12, choices=[(name, name) for name in CALENDARS], default="24/7"
    )
    is_tradable = models.BooleanField(default=True)

    class Meta:
        ordering = ("symbol",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(tick_size__gt=0, lot_size__gt=0, multiplier__gt=0),
                name="instrument_steps_are_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(minimum_notional__gte=0),
                name="instrument_minimum_notional_not_negative",
            ),
        ]

    def __str__(self) -> str:
        """Return the symbol."""
        return self.symbol


class Candle(models.Model):
    """One finished bar of the hot window, named by its open time."""

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="candles")
    timeframe = models.CharField(max_length=4, choices=TIMEFRAMES)
    open_at = models.DateTimeField()
    open = AmountField()
    high = AmountField()
    low = AmountField()
    close = AmountField()
    volume = AmountField()

    class Meta:
        ordering = ("instrument", "timeframe", "open_at")
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "timeframe", "open_at"], name="candle_once_per_open_time"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    low__gt=0,
                    low__lte=models.F("open"),
                    high__gte=models.F("open"),
                    volume__gte=0,
                )
                & models.Q(low__lte=models.F("close"), high__gte=models.F("close")),
                name="candle_prices_are_possible",
            ),
        ]

    def __str__(self) -> str:
        """Name instrument, timeframe and open time."""
        return f"{self.instrument_id} {self.timeframe} {self.open_at:%Y-%m-%d %H:%M}"

    def to_bar(self) -> Bar:
        """Return the candle as the plain value that the rest of the desk works on."""
        return Bar(
            open_at=self.open_at,
            close_at=self.open_at + Timeframe(self.timeframe).delta,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
        )


class Quote(models.Model):
    """The newest prices of an instrument; a row is overwritten by newer ones only."""

    class Source(models.TextChoices):
        """What told them."""

        BAR = "BAR", "A bar: one tick around its price"
        TICKER = "TICKER", "The venue's ticker"
        BOOK = "BOOK", "The venue's order book"

    instrument = models.OneToOneField(Instrument, on_delete=models.PROTECT, related_name="quote")
    bid = AmountField(null=True)
    ask = AmountField(null=True)
    last = AmountField()
    source = models.CharField(max_length=8, choices=Source.choices)
    quoted_at = models.DateTimeField(help_text="Venue or market time")
    received_at = models.DateTimeField(help_text="Machine time")

    class Meta:
        ordering = ("instrument",)
        constraints = [
            models.CheckConstraint(condition=models.Q(last__gt=0), name="quote_last_is_positive")
        ]

    def __str__(self) -> str:
        """Name the instrument and the last price."""
        return f"{self.instrument_id} at {self.last.normalize():f}"

    def to_view(self) -> QuoteView:
        """Return the prices as the plain value that costs are measured against."""
        return QuoteView(last=self.last, bid=self.bid, ask=self.ask)


class CandleImport(AppendOnlyModel):
    """One import of a file: what it held, what was taken and what the quality report says."""

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="imports")
    timeframe = models.CharField(max_length=4, choices=TIMEFRAMES)
    file_name = models.CharField(max_length=255)
    file_sha256 = models.CharField(max_length=64)
    started_at = models.DateTimeField(default=now)
    rows_read = models.PositiveIntegerField()
    rows_imported = models.PositiveIntegerField()
    rows_unchanged = models.PositiveIntegerField()
    rows_quarantined = models.PositiveIntegerField()
    report = models.JSONField(help_text="Quality report: columns, time zone, gaps, duplicates …")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        """Name the file and its instrument."""
        return f"{self.file_name} into {self.instrument_id} {self.timeframe}"


class QuarantinedCandle(AppendOnlyModel):
    """A row that an import refused, as it stood in the file, with the reason."""

    candle_import = models.ForeignKey(
        CandleImport, on_delete=models.PROTECT, related_name="quarantined"
    )
    row_number = models.PositiveIntegerField(help_text="1 is the first row of values")
    reason = models.CharField(max_length=200)
    row = models.JSONField()

    class Meta:
        ordering = ("candle_import", "row_number")

    def __str__(self) -> str:
        """Name the row and the reason."""
        return f"row {self.row_number}: {self.reason}"


class FeedState(models.TextChoices):
    """What a feed does."""

    STOPPED = "STOPPED", "Stopped"
    RUNNING = "RUNNING", "Running"
    FINISHED = "FINISHED", "Finished"


class Feed(models.Model):
    """A source that plays bars in market time: generated from a seed, or replayed from storage."""

    class Source(models.TextChoices):
        """Where the bars come from."""

        GENERATED = "GENERATED", "Seeded generator"
        FILE = "FILE", "Replay of a file"
        STORED = "STORED", "Replay of stored bars"

    name = models.SlugField(max_length=60, unique=True)
    source = models.CharField(max_length=12, choices=Source.choices)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="feeds")
    timeframe = models.CharField(max_length=4, choices=TIMEFRAMES)
    configuration = models.JSONField(
        default=dict,
        help_text="GENERATED: seed, initial_price, start_at. FILE: path, options. STORED: symbol.",
    )
    bars_per_second = models.FloatField(default=1.0, help_text="0 plays as fast as it goes")
    state = models.CharField(max_length=8, choices=FeedState.choices, default=FeedState.STOPPED)
    next_open_at = models.DateTimeField(help_text="Open time of the bar to play next")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def clean(self) -> None:
        """Refuse a configuration that cannot be played.

        Raises:
            ValidationError: Names the setting.
        """
        try:
            feed_settings(source=self.source, configuration=self.configuration)
        except FeedRefused as refusal:
            raise ValidationError({"configuration": str(refusal)}) from refusal
