"""Database fields that fix the desk's precision and words in one place."""

from decimal import Decimal
from typing import Any

from django.db import models
from typing_extensions import TypeVar

from apps.core.money import DECIMAL_PLACES, MAX_DIGITS

# What a field takes and what it gives, in the form that django-stubs resolves, null included
_Set = TypeVar("_Set", contravariant=True, default=Decimal | int | str)
_Get = TypeVar("_Get", covariant=True, default=Decimal)
_SetText = TypeVar("_SetText", contravariant=True, default=str)
_GetText = TypeVar("_GetText", covariant=True, default=str)


class AmountField(models.DecimalField[_Set, _Get]):
    """A price, quantity or amount of money: NUMERIC(28,10)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Fix the precision."""
        kwargs["max_digits"] = MAX_DIGITS
        kwargs["decimal_places"] = DECIMAL_PLACES
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Leave the fixed precision out of migrations."""
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


class CurrencyField(models.CharField[_SetText, _GetText]):
    """A currency or coin code such as USDT or INR."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Fix the length."""
        kwargs["max_length"] = 12
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Leave the fixed length out of migrations."""
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"]
        return name, path, args, kwargs
