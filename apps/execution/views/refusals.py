"""Puts what the services refuse to the fields that it is about."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from django import forms

from apps.brokers.registry import BrokerNotAvailable
from apps.execution.services.changes import ChangeRefused
from apps.execution.services.entry import TicketRefused
from apps.execution.services.markets import MarketUnknown
from apps.orders.domain.tickets import Objection

Result = TypeVar("Result")


class TakesObjections(Protocol):
    """A form that puts objections to its own fields."""

    fields: dict[str, forms.Field]

    def add_error(self, field: str | None, error: str) -> None:
        """Put a sentence to a field, or to the whole."""

    def objections_add(self, objections: Iterable[Objection]) -> None:
        """Put each objection to its field."""


def unless_refused(form: TakesObjections, act: Callable[[], Result]) -> Result | None:
    """Do something, or let the form say why it was not done; None then, and it is not valid."""
    try:
        return act()
    except TicketRefused as refused:
        form.objections_add(refused.objections)
    except MarketUnknown as unknown:
        said = str(unknown)
        form.add_error(_known(form, "instrument"), f"{said[0].upper()}{said[1:]}.")
    except BrokerNotAvailable as missing:
        form.add_error(_known(form, "account"), f"{missing}.")
    except ChangeRefused as refused:
        form.add_error(None, str(refused))
    return None


def _known(form: TakesObjections, name: str) -> str | None:
    return name if name in form.fields else None
