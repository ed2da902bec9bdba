"""Checks an order against the instrument's steps before it leaves, since Bybit adjusts some itself.

A futures price beyond the venue's band is moved to it without a word, and so might a price between
two ticks be: what the desk has recorded would not be what works.
"""

from decimal import Decimal

from apps.brokers.bybit.terms import rejected_here
from apps.core.money import plain
from apps.marketdata.models import Instrument
from apps.orders.domain.types import OrderAmendment, OrderRequest


def request_steps_check(request: OrderRequest) -> None:
    """Refuse an order that the instrument does not take.

    Raises:
        Rejected: Nothing was sent.
    """
    _steps_check(request.symbol, request.quantity, (request.limit_price, request.stop_price))


def amendment_steps_check(amendment: OrderAmendment) -> None:
    """Refuse new terms that the instrument does not take.

    Raises:
        Rejected: Nothing was sent.
    """
    _steps_check(
        amendment.symbol, amendment.quantity, (amendment.limit_price, amendment.stop_price)
    )


def _steps_check(symbol: str, quantity: Decimal | None, prices: tuple[Decimal | None, ...]) -> None:
    steps = Instrument.objects.filter(symbol=symbol).values_list("tick_size", "lot_size").first()
    if steps is None:
        return  # the venue alone knows it
    tick_size, lot_size = steps
    if quantity is not None and quantity % lot_size:
        raise rejected_here(
            f"quantity {plain(quantity)} is not a multiple of the lot {plain(lot_size)} of "
            f"{symbol}",
            "QUANTITY",
        )
    for price in prices:
        if price is not None and price % tick_size:
            raise rejected_here(
                f"price {plain(price)} is not a multiple of the tick size {plain(tick_size)} of "
                f"{symbol}",
                "PRICE",
            )
