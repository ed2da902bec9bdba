"""What a feed may be told to play, checked before anything plays it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from apps.marketdata.domain.errors import FeedRefused


class GeneratedMarketSettings(BaseModel):
    """A market out of a seed.

    Attributes:
        seed: Equal seeds give equal markets.
        initial_price: Where bar 0 opens, quote currency.
        start_at: Open time of bar 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    initial_price: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
    start_at: AwareDatetime


class FileReplaySettings(BaseModel):
    """A file of candles.

    Attributes:
        path: Where the file is, as seen by the process that plays it.
        options: What ``import_candles`` takes as options, where detection would be wrong.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, Field(min_length=1)]
    options: dict[str, Any] = Field(default_factory=dict)


class StoredReplaySettings(BaseModel):
    """Bars that are stored under another instrument.

    Attributes:
        symbol: The instrument whose bars are played.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbol: Annotated[str, Field(min_length=1)]


FeedSettings = GeneratedMarketSettings | FileReplaySettings | StoredReplaySettings

_MODELS: dict[str, type[FeedSettings]] = {
    "GENERATED": GeneratedMarketSettings,
    "FILE": FileReplaySettings,
    "STORED": StoredReplaySettings,
}


def feed_settings(*, source: str, configuration: dict[str, Any]) -> FeedSettings:
    """Read a feed's configuration.

    Raises:
        FeedRefused: Unknown source, or a setting that is missing, unknown or out of range.
    """
    model = _MODELS.get(source)
    if model is None:
        raise FeedRefused(f"unknown feed source {source!r}; expected one of {', '.join(_MODELS)}")
    try:
        return model.model_validate(configuration)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'configuration'}: {fault['msg']}"
            for fault in error.errors()
        )
        expected = ", ".join(model.model_fields)
        raise FeedRefused(
            f"a {source} feed cannot be played so: {faults}. Its settings are {expected}."
        ) from error


def bars_before(*, start_at: datetime, moment: datetime, seconds: int) -> int:
    """Count the bars of ``seconds`` from ``start_at`` up to ``moment``.

    Raises:
        FeedRefused: ``moment`` lies before the start or between two bars.
    """
    number, rest = divmod(int((moment - start_at).total_seconds()), seconds)
    if number < 0 or rest:
        raise FeedRefused(
            f"the next bar cannot open at {moment.isoformat()}: bars of {seconds} s are counted "
            f"from {start_at.isoformat()}"
        )
    return number
