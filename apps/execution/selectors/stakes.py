"""Tells which markets the desk must go on watching although no deployment trades them."""

from django.db.models import Q, QuerySet

from apps.marketdata.models import Instrument
from apps.orders.models import Order
from apps.orders.selectors import FINAL_VALUES
from apps.positions.models import Position


def instrument_list_at_stake(*, broker: str) -> QuerySet[Instrument]:
    """Return what an order is open on, or a position is held in, at a broker.

    A position that is being closed after its deployment was stopped needs prices of now.
    """
    orders = Order.objects.filter(account__broker=broker).exclude(status__in=FINAL_VALUES)
    held = Position.objects.filter(account__broker=broker).exclude(quantity=0)
    return Instrument.objects.filter(
        Q(pk__in=orders.values("instrument")) | Q(pk__in=held.values("instrument"))
    )
