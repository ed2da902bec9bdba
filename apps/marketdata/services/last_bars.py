"""Settles by stored bars whether the last bar of a file is whole, and replaces one that was not.

A download often ends in the middle of a bar, and nothing in the file shows it. Such a bar is
stored, since it may be whole, and marked in the report of its import; once another source shows
what it should have been, the mark tells that it may be replaced.
"""

from decimal import Decimal

from apps.core.money import plain
from apps.marketdata.domain.quality import moment_text
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.importers.options import moment_read
from apps.marketdata.importers.results import POSSIBLY_UNFINISHED, ReadResult
from apps.marketdata.models import Candle, CandleImport, Instrument
from apps.marketdata.selectors import candle_list_until

_FIELDS = ("open", "high", "low", "close", "volume")


def last_bar_settle(
    *, instrument: Instrument, timeframe: Timeframe, result: ReadResult
) -> ReadResult:
    """Compare a doubtful last bar with what is stored: the same bar, or the shorter ones in it.

    Returns:
        The result with the last bar finished, withheld as unfinished, or in doubt as before.
    """
    if result.report["last_bar"]["state"] != POSSIBLY_UNFINISHED:
        return result
    last = result.bars[-1]
    for shorter in sorted(Timeframe, key=lambda each: -each.seconds):
        if shorter.seconds > timeframe.seconds:
            continue
        parts = _parts(instrument, shorter, last)
        if not parts:
            continue
        settled = _settled(result, last, parts, shorter)
        if settled is not None:
            return settled
    return result


def provisional_bars_replace(
    *, instrument: Instrument, timeframe: str, bars: list[Bar]
) -> list[dict[str, str]]:
    """Delete stored bars that an earlier import marked as doubtful and that ``bars`` complete.

    Returns:
        What was deleted and what stands in its place, for the report.
    """
    doubtful = CandleImport.objects.filter(
        instrument=instrument,
        timeframe=timeframe,
        report__last_bar__state=POSSIBLY_UNFINISHED,
    ).values_list("report__last_bar__open_at", flat=True)
    opens = {moment_read(open_at) for open_at in doubtful}
    replaced = []
    for bar in (bar for bar in bars if bar.open_at in opens):
        candle = Candle.objects.filter(
            instrument=instrument, timeframe=timeframe, open_at=bar.open_at
        ).first()
        if candle is None or not _is_cut_of(before := candle.to_bar(), bar):
            continue
        opened = moment_text(before.open_at.timestamp())
        replaced.append({"open_at": opened, "changes": _changes(before, bar)})
        candle.delete()
    return replaced


def _settled(
    result: ReadResult, last: Bar, parts: list[Bar], timeframe: Timeframe
) -> ReadResult | None:
    """Return the settled result, or None where these parts settle nothing."""
    whole = _whole(last, parts)
    is_cut = _is_cut_of(last, whole)
    changes = _changes(last, whole)
    if len(parts) == 1:
        # Equal to the stored bar, it may come from the same download again: no proof
        stored = f"the stored bar of that time has {changes}"
        return result.with_last_bar_withheld(evidence=stored) if is_cut else None
    stored = f"the {len(parts)} stored {timeframe} bars in it"
    if is_cut:
        return result.with_last_bar_withheld(evidence=f"{stored} give {changes}")
    if changes:
        return result.with_last_bar_doubted(evidence=f"{stored} disagree: they give {changes}")
    return result.with_last_bar_finished(evidence=f"{stored} add up to it exactly")


def _parts(instrument: Instrument, shorter: Timeframe, whole: Bar) -> list[Bar]:
    """Return the stored bars that cover ``whole`` without a hole, or none."""
    count = (whole.close_at - whole.open_at) // shorter.delta
    parts = candle_list_until(
        instrument=instrument,
        timeframe=shorter,
        until=whole.close_at - shorter.delta,
        count=count,
    )
    complete = len(parts) == count and parts[0].open_at == whole.open_at
    return parts if complete else []


def _whole(last: Bar, parts: list[Bar]) -> Bar:
    return Bar(
        open_at=last.open_at,
        close_at=last.close_at,
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=parts[-1].close,
        volume=sum((part.volume for part in parts), Decimal(0)),
    )


def _values(bar: Bar) -> tuple[Decimal, ...]:
    return tuple(getattr(bar, name) for name in _FIELDS)


def _is_cut_of(part: Bar, whole: Bar) -> bool:
    """Tell whether ``whole`` can have grown out of ``part`` while the bar was forming."""
    return (
        _values(part) != _values(whole)
        and part.open == whole.open
        and part.high <= whole.high
        and part.low >= whole.low
        and part.volume <= whole.volume
    )


def _changes(before: Bar, after: Bar) -> str:
    return ", ".join(
        f"{name} {plain(getattr(after, name))} instead of {plain(getattr(before, name))}"
        for name in _FIELDS
        if getattr(before, name) != getattr(after, name)
    )
