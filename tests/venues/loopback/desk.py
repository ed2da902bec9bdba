"""Reads the desk's side of a history out of its database."""

from apps.accounts.models import TradingAccount
from apps.orders.models import Order
from tests.venues.loopback.history import DeskOrder


def desk_order_list(account: TradingAccount) -> list[DeskOrder]:
    """Return the account's orders as the history checker compares them."""
    orders = Order.objects.filter(account=account).select_related("instrument")
    return [
        DeskOrder(
            account=account.name,
            client_order_id=order.client_order_id,
            symbol=order.instrument.symbol,
            side=order.side,
            quantity=order.quantity,
            status=order.status,
            filled_quantity=order.filled_quantity,
            fills={fill.trade_id: (fill.quantity, fill.price) for fill in order.fills.all()},
        )
        for order in orders.prefetch_related("fills").order_by("pk")
    ]
