"""Places the orders of a drill by the ordinary path, and waits until the broker shows them."""

import time
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from uuid import uuid4

from apps.brokers.registry import gateway_for
from apps.execution.account_runner import account_tick
from apps.execution.drill.ground import DrillRefused, Ground
from apps.execution.runner import TickResult
from apps.execution.services.entry import EnteredOrder, order_enter
from apps.marketdata.models import Instrument
from apps.orders.domain.fill_rules import round_to
from apps.orders.domain.tickets import OrderTicket
from apps.orders.domain.types import OrderOrigin, OrderType, Side
from apps.risk.models import RiskDecision

DISTANCE = Decimal("0.8")
"""Price of the resting orders as a part of the market's: far enough not to fill."""
SETTLE_SECONDS = 30.0


def resting_ticket(
    instrument: Instrument, price: Decimal, *, distance: Decimal = DISTANCE
) -> OrderTicket:
    """Return the smallest order to buy that works at a distance from the market's price."""
    return OrderTicket(
        side=Side.BUY,
        quantity=smallest_quantity(instrument, price, distance=distance),
        order_type=OrderType.LIMIT,
        limit_price=round_to(price * distance, instrument.tick_size, ROUND_DOWN),
    )


def smallest_quantity(
    instrument: Instrument, price: Decimal, *, distance: Decimal = DISTANCE
) -> Decimal:
    """Return the smallest quantity that is worth enough at the price of the resting orders."""
    least = instrument.minimum_notional / (price * distance * instrument.multiplier)
    return max(round_to(least, instrument.lot_size, ROUND_CEILING), instrument.lot_size)


def ticket_enter(ground: Ground, ticket: OrderTicket) -> EnteredOrder:
    """Check it, ask the gate and write it down, as a ticket of a person."""
    return order_enter(
        account=ground.account,
        instrument=ground.instrument,
        ticket=ticket,
        key=f"drill-{uuid4().hex}",
        actor=None,
        origin=OrderOrigin.DESK,
    )


def allowed_require(entered: EnteredOrder) -> None:
    """Refuse to go on with an order that the gate denied.

    Raises:
        DrillRefused: It did.
    """
    if entered.decision.outcome != RiskDecision.Outcome.ALLOWED:
        raise DrillRefused(f"the risk gate denies the drill's orders: {entered.decision.reason}")


def settle(ground: Ground, is_there: Callable[[], bool]) -> None:
    """Work the account until the broker shows what was asked for.

    Raises:
        DrillRefused: It did not in good time.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        if account_tick(account_id=ground.account.pk) is TickResult.DONE and is_there():
            return
        ground.step()
    raise DrillRefused(
        f"{ground.account} did not come to what was asked for in {SETTLE_SECONDS:g} seconds; "
        "look at its orders"
    )


def held(ground: Ground) -> Decimal:
    """Return what the broker says is held of the instrument."""
    return sum(
        (
            row.quantity
            for row in gateway_for(ground.account).position_list()
            if row.symbol == ground.instrument.symbol
        ),
        Decimal(0),
    )


def count_open(ground: Ground) -> int:
    """Return how many orders work, by the broker's list."""
    return len(gateway_for(ground.account).order_list_open())
