"""Writes numbers and times in one form: decimals as plain strings, times in UTC with a Z."""

from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, ClassVar, TypeVar

from django.db import models
from rest_framework import serializers

from apps.core.fields import AmountField
from apps.core.money import plain

Row = TypeVar("Row", bound=models.Model)


class PlainDecimalField(serializers.DecimalField):
    """A price, quantity or amount as a string: ``0.00001``, never ``1E-5`` or ``0.0000100000``."""

    def __init__(self, **kwargs: Any) -> None:
        """Fix the desk's precision."""
        super().__init__(**{"max_digits": 28, "decimal_places": 10, **kwargs})

    def to_representation(self, value: Decimal) -> str:
        """Return the plain number."""
        return plain(value)


class MomentField(serializers.DateTimeField):
    """A moment in UTC, such as ``2024-01-01T00:05:00Z``."""

    def to_representation(self, value: datetime) -> str:
        """Return ISO 8601 with a Z, whatever time zone the process stands in."""
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class RowSerializer(serializers.ModelSerializer[Row]):
    """A stored row, read only."""

    serializer_field_mapping: ClassVar[dict[type[models.Field[Any, Any]], Any]] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        AmountField: PlainDecimalField,
        models.DateTimeField: MomentField,
    }

    def get_extra_kwargs(self) -> dict[str, Any]:
        """Mark every field as read only: the API has no generic writes."""
        extra_kwargs = super().get_extra_kwargs()
        for name in self.Meta.fields:
            if name not in self._declared_fields:
                extra_kwargs.setdefault(name, {})["read_only"] = True
        return extra_kwargs

    class Meta:
        abstract = True
        fields: ClassVar[tuple[str, ...]] = ()


class CommandSerializer(serializers.Serializer[Any]):
    """What a command takes; a field that nothing reads is refused, not passed over."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the checked values.

        Raises:
            ValidationError: A field is unknown, missing or malformed; all are listed.
        """
        errors = self._unknown(data)
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as faults:
            if isinstance(faults.detail, dict):
                faults.detail.update(errors)
            raise
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def _unknown(self, data: Any) -> dict[str, Any]:
        names = sorted(self.fields)
        unknown = [str(name) for name in data if name not in names] if _is_object(data) else []
        return {name[:40]: [_no_such_field(name[:40], names)] for name in unknown}


def _is_object(data: Any) -> bool:
    return isinstance(data, dict)


def _no_such_field(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}."
    return f"There is no field {name!r}; {hint}"


class NameField(serializers.SlugRelatedField[Any]):
    """A related row by its unique name, the way callers filter by it."""

    def __init__(self, slug_field: str = "name", **kwargs: Any) -> None:
        """Read only, like every field."""
        super().__init__(slug_field=slug_field, read_only=True, **kwargs)
