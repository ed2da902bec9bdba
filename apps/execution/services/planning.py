"""Turns a strategy's decision and a standing into the one order that brings them together."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.core.money import ZERO
from apps.execution.selectors import Standing
from apps.marketdata.models import Instrument
from apps.orders.domain.fill_rules import round_down, round_to
from apps.orders.domain.types import OrderRole, OrderType, Side
from apps.orders.services import ExitPlan, OrderPlan
from apps.risk.domain.sizing import SizingBasis, SizingRefused, SizingTerms, quantity_for
from apps.risk.domain.types import Denial, OrderIntent, RiskContext
from apps.strategies.domain.strategy import Decision, Strategy
from apps.strategies.models import Deployment

_WANTED = {"ENTER_LONG": 1, "ENTER_SHORT": -1, "EXIT": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOrders:
    """The orders of one decision, to be sent in turn, and what the risk gate is asked.

    Attributes:
        plans: One order; two where a position is turned, first the exit, then the entry.
        intent: What they come to together; None where there is nothing to order.
        refusal: Why they cannot even be asked for.
    """

    plans: tuple[OrderPlan, ...]
    intent: OrderIntent | None
    refusal: Denial | None = None


def decision_changes(decision: Decision, standing: Standing, strategy: Strategy[Any]) -> bool:
    """Tell whether a decision asks for something that is not so already."""
    wanted = _WANTED[decision.action]
    if wanted == standing.direction:
        return False
    turns = wanted != 0 and standing.direction != 0
    return not turns or strategy.reverses


def orders_plan(
    *,
    key: str,
    deployment: Deployment,
    instrument: Instrument,
    decision: Decision,
    held: Decimal,
    context: RiskContext,
) -> PlannedOrders:
    """Plan the orders that bring ``held`` to what the decision wants."""
    wanted = _WANTED[decision.action]
    leaving = held != 0 and held * wanted <= 0
    exits = (_exit_plan(key, instrument, held, context),) if leaving else ()
    if wanted == 0:
        return PlannedOrders(plans=exits, intent=_intent(instrument, exits, opens=False))
    side = Side.BUY if wanted > 0 else Side.SELL
    limit_price = _limit_price(decision, side, instrument)
    sized, refusal = _entry_quantity(deployment, instrument, limit_price, context)
    quantity = sized if leaving else max(sized - abs(held), ZERO)
    if quantity == 0 and refusal is None:
        return PlannedOrders(plans=(), intent=_intent(instrument, (), opens=True))
    entry = OrderPlan(
        key=key,
        decided_at=context.as_of,
        side=side,
        role=OrderRole.ENTRY,
        order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
        quantity=quantity,
        limit_price=limit_price,
        exits=_exit_plans(decision),
    )
    plans = (*exits, entry)
    return PlannedOrders(
        plans=plans, intent=_intent(instrument, plans, opens=True), refusal=refusal
    )


def _exit_plan(key: str, instrument: Instrument, held: Decimal, context: RiskContext) -> OrderPlan:
    return OrderPlan(
        key=key,
        decided_at=context.as_of,
        side=Side.SELL if held > 0 else Side.BUY,
        role=OrderRole.EXIT,
        order_type=OrderType.MARKET,
        quantity=round_down(abs(held), instrument.lot_size),
        # Where other deployments hold the instrument too, the venue knows only the net position
        # and would refuse an order that reduces ours and not the net
        reduce_only=context.account_position_quantity == held,
    )


def _entry_quantity(
    deployment: Deployment,
    instrument: Instrument,
    limit_price: Decimal | None,
    context: RiskContext,
) -> tuple[Decimal, Denial | None]:
    try:
        quantity = quantity_for(
            terms=SizingTerms(method=deployment.sizing_method, value=deployment.sizing_value),
            basis=SizingBasis(
                price=limit_price or context.reference_price,
                equity=context.equity,
                multiplier=instrument.multiplier,
                lot_size=instrument.lot_size,
            ),
        )
    except SizingRefused as refusal:
        return ZERO, Denial(check="sizing", reason=str(refusal))
    return quantity, None


def _exit_plans(decision: Decision) -> tuple[ExitPlan, ...]:
    distances = (
        (OrderRole.STOP_LOSS, decision.stop_loss_ratio),
        (OrderRole.TAKE_PROFIT, decision.take_profit_ratio),
    )
    return tuple(
        ExitPlan(role=role, distance_ratio=distance)
        for role, distance in distances
        if distance is not None
    )


def _limit_price(decision: Decision, side: Side, instrument: Instrument) -> Decimal | None:
    if decision.limit_price is None:
        return None
    rounding = "ROUND_FLOOR" if side is Side.BUY else "ROUND_CEILING"
    return round_to(decision.limit_price, instrument.tick_size, rounding)


def _intent(
    instrument: Instrument, plans: tuple[OrderPlan, ...], *, opens: bool
) -> OrderIntent | None:
    if not plans:
        return None
    last = plans[-1]
    return OrderIntent(
        symbol=instrument.symbol,
        side=last.side.value,
        quantity=sum((plan.quantity for plan in plans), ZERO),
        order_type=last.order_type.value,
        limit_price=last.limit_price,
        reduce_only=last.reduce_only,
        role=last.role.value,
        opens=opens,
        orders=len(plans),
    )


def order_key(*, ordinal: int, instrument: Instrument, bar_open_at: datetime) -> str:
    """Return what makes an order unique in its account, the same after a crash.

    A replay trades a private copy of an instrument, named with a tilde; the copy's name is left
    out, so that the same replay gives the same ids.
    """
    return f"{ordinal}:{instrument.symbol.split('~')[0]}:{bar_open_at.isoformat()}"
