"""Holds orders that wait for a price: venues differ in what they then do, not in when."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Trigger:
    """Something that wakes when the market gets to ``price``, from below where it ``rises``."""

    order_id: str
    price: Decimal
    rises: bool

    def is_reached(self, last: Decimal) -> bool:
        return last >= self.price if self.rises else last <= self.price


class TriggerBook:
    """The waiting triggers of one symbol, oldest first."""

    def __init__(self) -> None:
        self._waiting: dict[str, Trigger] = {}

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Trigger]:
        return iter(tuple(self._waiting.values()))

    def add(self, trigger: Trigger) -> None:
        """Wait for a price; a trigger of the same order is replaced and loses its place."""
        self._waiting.pop(trigger.order_id, None)
        self._waiting[trigger.order_id] = trigger

    def remove(self, order_id: str) -> bool:
        """Wait no longer; False where it did not wait."""
        return self._waiting.pop(order_id, None) is not None

    def reached(self, last: Decimal) -> list[Trigger]:
        """Take out, oldest first, what a trade at ``last`` wakes."""
        woken = [each for each in self._waiting.values() if each.is_reached(last)]
        for each in woken:
            del self._waiting[each.order_id]
        return woken
