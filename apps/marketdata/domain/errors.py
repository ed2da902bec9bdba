"""What market data refuses, by name, so that commands and tasks can answer for it."""


class MarketDataRefused(ValueError):
    """Something about instruments or candles was refused; the message says what to do."""


class UnknownInstrument(MarketDataRefused):
    """A symbol is neither stored nor in the catalogue."""


class ConflictingCandle(MarketDataRefused):
    """A bar that is already stored was brought again with other values."""


class CandleFileRefused(MarketDataRefused):
    """A file of candles cannot be read as it stands; nothing of it was taken."""


class FeedRefused(MarketDataRefused):
    """A feed's settings cannot be played."""
