"""Writes numbers and times in one form: decimals as plain strings, times in UTC with a Z."""

from datetime import UTC, datetime
from decimal import Decimal
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


class NameField(serializers.SlugRelatedField[Any]):
    """A related row by its unique name, the way callers filter by it."""

    def __init__(self, slug_field: str = "name", **kwargs: Any) -> None:
        """Read only, like every field."""
        super().__init__(slug_field=slug_field, read_only=True, **kwargs)
