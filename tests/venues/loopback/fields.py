"""Reads the JSON that others send to the venue; what is missing or of another type is refused."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

Choice = TypeVar("Choice", bound=StrEnum)


class Refusal(Exception):
    """The venue does not do what was asked, for good."""

    def __init__(self, sentence: str, *, code: str, status: int = 400) -> None:
        """Keep the code and the HTTP status beside the sentence."""
        super().__init__(sentence)
        self.code = code
        self.status = status


class Fields:
    """The fields of one JSON object, each read once and by type."""

    def __init__(self, body: object) -> None:
        """Take the object.

        Raises:
            Refusal: It is none.
        """
        if not isinstance(body, Mapping):
            raise Refusal("the body must be a JSON object", code="BODY")
        self._left: dict[str, Any] = dict(body)

    def has(self, name: str) -> bool:
        """Tell whether a field is there and not null; one that is null is read with that."""
        if self._left.get(name) is not None:
            return True
        self._left.pop(name, None)
        return False

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string that is not empty."""
        value = self._left.pop(name, None)
        if value is None:
            value = default
        if not isinstance(value, str) or not value:
            raise Refusal(f"{name} must be a text that is not empty, was {value!r}", code="FIELD")
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return a string, or None when the field is missing or null."""
        return self.text(name) if self.has(name) else None

    def decimal(self, name: str, default: str | None = None) -> Decimal:
        """Return a number that came as a string, finite."""
        raw = self.text(name, default)
        try:
            number = Decimal(raw)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise Refusal(f"{name} must be a finite decimal number, was {raw!r}", code="FIELD")
        return number

    def decimal_or_none(self, name: str) -> Decimal | None:
        """Return a number, or None when the field is missing or null."""
        return self.decimal(name) if self.has(name) else None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self._left.pop(name, None)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Refusal(f"{name} must be true or false, was {value!r}", code="FIELD")
        return value

    def count(self, name: str, *, default: int) -> int:
        """Return a whole number from zero on."""
        value = self._left.pop(name, None)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Refusal(f"{name} must be a whole number from 0 on, was {value!r}", code="FIELD")
        return value

    def count_or_none(self, name: str, *, default: int | None = None) -> int | None:
        """Return a whole number, None when the field is null, the default when it is missing."""
        if name not in self._left:
            return default
        return self.count(name, default=0) if self.has(name) else None

    def number(self, name: str, *, default: float) -> float:
        """Return a JSON number from zero on: seconds or a probability, never money."""
        value = self._left.pop(name, None)
        if value is None:
            return default
        if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
            raise Refusal(f"{name} must be a number from 0 on, was {value!r}", code="FIELD")
        return float(value)

    def choice(self, name: str, choices: type[Choice], default: Choice | None = None) -> Choice:
        """Return one of the known words."""
        raw = self.text(name, default)
        try:
            return choices(raw)
        except ValueError:
            known = ", ".join(choices)
            raise Refusal(f"{name} must be one of {known}, was {raw!r}", code="FIELD") from None

    def choices(
        self, name: str, choices: type[Choice], default: frozenset[Choice]
    ) -> frozenset[Choice]:
        """Return a set of known words."""
        value = self._left.pop(name, None)
        if value is None:
            return default
        if not isinstance(value, list):
            raise Refusal(f"{name} must be a list, was {value!r}", code="FIELD")
        return frozenset(Fields({name: item}).choice(name, choices) for item in value)

    def moment_or_none(self, name: str) -> datetime | None:
        """Return a moment with its time zone in UTC, or None when missing or null."""
        if not self.has(name):
            return None
        raw = self.text(name)
        try:
            moment = datetime.fromisoformat(raw)
        except ValueError:
            raise Refusal(f"{name} must be an ISO 8601 moment, was {raw!r}", code="FIELD") from None
        if moment.tzinfo is None:
            raise Refusal(f"{name} needs a time zone, was {raw!r}", code="FIELD")
        return moment.astimezone(UTC)

    def done(self) -> None:
        """Refuse what nobody read: a misspelt field would otherwise be a silent default."""
        if self._left:
            raise Refusal(f"unknown fields: {', '.join(sorted(self._left))}", code="FIELD")
