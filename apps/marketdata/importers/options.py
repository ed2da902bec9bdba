"""What a person may state about a file where detection cannot know or would be wrong."""

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from apps.marketdata.domain.errors import CandleFileRefused

FIELDS = ("time", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Statements about a file; each is None or empty where the file may speak for itself.

    Attributes:
        timezone: IANA name of the zone in which times without offset were written.
        columns: Pairs of a field (time, open, high, low, close, volume) and its column's name.
        delimiter: One character between the values of a CSV file.
        time_format: strptime format of the times, such as ``%d/%m/%Y %H:%M``.
        as_of: When the file was downloaded; a bar that closed later is unfinished.
    """

    timezone: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    delimiter: str | None = None
    time_format: str | None = None
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse statements that mean nothing.

        Raises:
            CandleFileRefused: Names the statement.
        """
        if self.timezone is not None:
            _require_zone(self.timezone)
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise CandleFileRefused(
                f"the delimiter must be one character, was {self.delimiter!r}; "
                "for tabs give a real tab character"
            )
        for field, _ in self.columns:
            if field not in FIELDS:
                raise CandleFileRefused(
                    f"there is no field {field!r} to give a column to; "
                    f"fields are {', '.join(FIELDS)}, as in --column close=LAST_PRICE"
                )
        if self.as_of is not None and self.as_of.tzinfo is None:
            raise CandleFileRefused(
                f"the as-of time {self.as_of.isoformat()} has no offset; "
                f"write it as {self.as_of.isoformat()}Z if it is UTC"
            )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Read options out of stored JSON, such as a feed's configuration.

        Raises:
            CandleFileRefused: An unknown name or a value that means nothing.
        """
        unknown = sorted(set(values) - {"timezone", "columns", "delimiter", "time_format", "as_of"})
        if unknown:
            raise CandleFileRefused(
                f"unknown option {', '.join(unknown)}; known are timezone, columns, delimiter, "
                "time_format, as_of"
            )
        as_of = values.get("as_of")
        return cls(
            timezone=values.get("timezone"),
            columns=tuple(sorted(dict(values.get("columns") or {}).items())),
            delimiter=values.get("delimiter"),
            time_format=values.get("time_format"),
            as_of=moment_read(as_of) if as_of else None,
        )


DETECT_ALL = ReadOptions()
"""Nothing stated: the file speaks for itself or is refused."""


def moment_read(text: str) -> datetime:
    """Read a moment in ISO 8601 with its offset.

    Raises:
        CandleFileRefused: Not a moment, or without offset.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CandleFileRefused(
            f"{text!r} is not a moment; write it as 2026-01-05T12:10:00Z"
        ) from error
    if moment.tzinfo is None:
        raise CandleFileRefused(f"{text!r} has no offset; write {text}Z if it is UTC")
    return moment.astimezone(UTC)


def _require_zone(name: str) -> None:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise CandleFileRefused(
            f"there is no time zone {name!r}; use a name such as UTC or Asia/Kolkata"
        ) from error
