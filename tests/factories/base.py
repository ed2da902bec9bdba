"""What every factory is built on, so that calling one is known to give its model's row."""

from typing import TYPE_CHECKING, Any, TypeVar

import factory
from django.db import models

Row = TypeVar("Row", bound=models.Model)


class RowFactory(factory.django.DjangoModelFactory[Row]):
    """Stores a row: ``OrderFactory(side="SELL")`` is an ``Order``."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        # factory_boy answers a call from its metaclass, which mypy does not follow
        def __new__(cls, **fields: Any) -> Row: ...  # type: ignore[misc]
