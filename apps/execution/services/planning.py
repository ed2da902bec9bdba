"""Turns a strategy's decision and a standing into the one order that brings them together."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.core.money import ZERO, plain
from apps.execution.selectors import Standing
from apps.execution.services.measures import NO_MEASURES, Measures
from apps.execution.services.pricing import OrderPrice, Venue, entry_price, leaving_price
from apps.marketdata.models import Instrument
from apps.orders.domain.fill_rules import round_down, round_to
from apps.orders.domain.groups import GroupKind, GroupRefused, group_settings
from apps.orders.domain.types import BrokerCapabilities, OrderRole, Side
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

    @property
    def turns(self) -> bool:
        """Whether a position is closed and another one opened."""
        return len(self.plans) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What orders are planned in.

    Attributes:
        key: What makes the orders unique in their account.
    """

    key: str
    deployment: Deployment
    instrument: Instrument
    context: RiskContext
    venue: Venue


def decision_changes(decision: Decision, standing: Standing, strategy: Strategy[Any]) -> bool:
    """Tell whether a decision asks for something that is not so already."""
    wanted = _WANTED[decision.action]
    if wanted == standing.direction:
        return False
    turns = wanted != 0 and standing.direction != 0
    return not turns or strategy.reverses


def orders_plan(
    *,
    occasion: Occasion,
    decision: Decision,
    held: Decimal,
    measures: Measures = NO_MEASURES,
    may_open: bool = True,
) -> PlannedOrders:
    """Plan the orders that bring ``held`` to what the decision wants.

    Args:
        may_open: False leaves a position that the decision would turn, and opens nothing for it.
    """
    instrument, wanted = occasion.instrument, _WANTED[decision.action]
    held_lots = round_down(abs(held), instrument.lot_size)  # no order can leave less than a lot
    leaving = held_lots > 0 and held * wanted <= 0
    exits: tuple[OrderPlan, ...] = ()
    if leaving:
        exits = (leaving_plan(occasion=occasion, held=held),)
    if wanted == 0 or (leaving and not may_open):
        intent = intent_of(instrument, exits, opens=False) if exits else None
        return PlannedOrders(plans=exits, intent=intent)
    entry, refusal = _entry_plan(occasion, decision, measures)
    if not leaving and refusal is None:
        entry = replace(entry, quantity=max(entry.quantity - held_lots, ZERO))
        if entry.quantity == 0:
            return PlannedOrders(plans=(), intent=None)
    plans = (*exits, entry)
    intent = intent_of(instrument, plans, opens=True)
    return PlannedOrders(plans=plans, intent=intent, refusal=refusal)


def closing_half(instrument: Instrument, planned: PlannedOrders) -> PlannedOrders:
    """Return of orders that turn a position the one that closes it."""
    exits = planned.plans[:1]
    return PlannedOrders(plans=exits, intent=intent_of(instrument, exits, opens=False))


def leaving_plan(*, occasion: Occasion, held: Decimal) -> OrderPlan:
    """Plan the order that closes what the deployment holds."""
    side = Side.SELL if held > 0 else Side.BUY
    price = leaving_price(
        deployment=occasion.deployment,
        instrument=occasion.instrument,
        side=side,
        venue=occasion.venue,
    )
    return _priced(
        price,
        key=occasion.key,
        decided_at=occasion.context.as_of,
        side=side,
        role=OrderRole.EXIT,
        quantity=round_down(abs(held), occasion.instrument.lot_size),
        # Where other deployments hold the instrument too, the venue knows only the net position
        # and would refuse an order that reduces ours and not the net
        reduce_only=occasion.context.account_position_quantity == held,
    )


def _entry_plan(
    occasion: Occasion, decision: Decision, measures: Measures
) -> tuple[OrderPlan, Denial | None]:
    side = Side.BUY if _WANTED[decision.action] > 0 else Side.SELL
    limit_price = _limit_price(decision, side, occasion.instrument)
    price = entry_price(
        deployment=occasion.deployment,
        instrument=occasion.instrument,
        side=side,
        limit_price=limit_price,
        venue=occasion.venue,
    )
    refusal = price if isinstance(price, Denial) else None
    quantity, unsized = _entry_quantity(occasion, limit_price, measures)
    entry = _priced(
        OrderPrice() if isinstance(price, Denial) else price,
        key=occasion.key,
        decided_at=occasion.context.as_of,
        side=side,
        role=OrderRole.ENTRY,
        quantity=quantity,
        exits=_exit_plans(decision),
    )
    return entry, refusal or unsized or _unmanageable(entry, occasion.venue)


def _priced(price: OrderPrice, **terms: Any) -> OrderPlan:
    return OrderPlan(
        order_type=price.order_type,
        limit_price=price.limit_price,
        time_in_force=price.time_in_force,
        expires_at=price.expires_at,
        maximum_slippage_bps=price.maximum_slippage_bps,
        **terms,
    )


def _entry_quantity(
    occasion: Occasion, limit_price: Decimal | None, measures: Measures
) -> tuple[Decimal, Denial | None]:
    deployment, instrument = occasion.deployment, occasion.instrument
    try:
        quantity = quantity_for(
            terms=SizingTerms(
                method=deployment.sizing_method,
                value=deployment.sizing_value,
                cap_ratio=deployment.sizing_cap_ratio,
            ),
            basis=SizingBasis(
                price=limit_price or occasion.context.reference_price,
                equity=occasion.context.equity,
                multiplier=instrument.multiplier,
                lot_size=instrument.lot_size,
                average_true_range=measures.average_true_range,
                edge=measures.edge,
            ),
        )
    except SizingRefused as refusal:
        return ZERO, Denial(check="sizing", reason=str(refusal))
    return quantity, None


def is_managed(plan: OrderPlan, capabilities: BrokerCapabilities) -> bool:
    """Tell whether the desk itself must manage an entry's exits, since the venue attaches none."""
    return bool(plan.exits) and not capabilities.attached_exits


def bracket_settings(plan: OrderPlan) -> dict[str, Any]:
    """Return an entry with its exits as the settings of a managed bracket."""
    distances = {each.role: plain(each.distance_ratio) for each in plan.exits}
    bound = plan.maximum_slippage_bps
    return {
        "entry_limit_price": None if plan.limit_price is None else plain(plan.limit_price),
        "entry_time_in_force": plan.time_in_force.value,
        "entry_maximum_slippage_bps": None if bound is None else plain(bound),
        "stop_ratio": distances.get(OrderRole.STOP_LOSS),
        "target_ratio": distances.get(OrderRole.TAKE_PROFIT),
        "is_stop_left_out": OrderRole.STOP_LOSS not in distances,
    }


def _unmanageable(plan: OrderPlan, venue: Venue) -> Denial | None:
    """Refuse exits that cannot be managed, such as a stop as far away as the price itself."""
    if not is_managed(plan, venue.capabilities):
        return None
    try:
        group_settings(GroupKind.BRACKET, bracket_settings(plan))
    except GroupRefused as refused:
        return Denial(check="exits", reason=str(refused))
    return None


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


def intent_of(instrument: Instrument, plans: tuple[OrderPlan, ...], *, opens: bool) -> OrderIntent:
    """Return what the gate is asked about the orders together, one at least."""
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
