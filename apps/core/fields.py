"""Database fields that fix the desk's precision and words in one place."""

from typing import Any

from django.db import models
from typing_extensions import TypeVar

from apps.core.money import DECIMAL_PLACES, MAX_DIGITS

# What a field takes and gives; django-stubs puts its own types, null included, in Any's place
_Set_contra = TypeVar("_Set_contra", contravariant=True, default=Any)
_Get_co = TypeVar("_Get_co", covariant=True, default=Any)


class AmountField(models.DecimalField[_Set_contra, _Get_co]):
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


class CurrencyField(models.CharField[_Set_contra, _Get_co]):
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
