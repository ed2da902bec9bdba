"""The pre-trade checks, in the order in which they are asked; backtest and live use the same."""

from collections.abc import Callable
from decimal import Decimal, localcontext

from apps.core.money import ZERO, plain
from apps.risk.domain.types import Denial, LimitValue, OrderIntent, RiskContext

_EXACT_DIGITS = 60  # products of two stored amounts keep every digit


def intent_deny(intent: OrderIntent, context: RiskContext) -> Denial | None:
    """Return the first objection, or None: the order may be sent."""
    with localcontext() as exact:
        exact.prec = _EXACT_DIGITS
        for check in CHECKS:
            reason = check(intent, context)
            if reason is not None:
                return Denial(check=check.__name__.removeprefix("check_"), reason=reason)
    return None


def intent_reduces(intent: OrderIntent, context: RiskContext) -> bool:
    """Tell whether a fill brings this deployment's position nearer to zero and never across it."""
    position = context.position_quantity
    against = intent.signed_quantity * position < 0
    return against and intent.quantity <= abs(position) and not intent.opens


def check_trading_state(intent: OrderIntent, context: RiskContext) -> str | None:
    """Stop every order when HALTED; when REDUCING pass what makes the position smaller."""
    because = f": {context.trading_state_reason}" if context.trading_state_reason else ""
    if context.trading_state == "ACTIVE":
        return None
    if context.trading_state != "REDUCING":
        return f"trading is {context.trading_state}{because}; nothing is sent until it is ACTIVE"
    if intent_reduces(intent, context):
        return None
    return (
        f"trading is REDUCING{because}; only orders that make the position smaller pass, and "
        f"{intent.side} {plain(intent.quantity)} on a position of "
        f"{plain(context.position_quantity)} does not"
    )


def check_reconciled(_intent: OrderIntent, context: RiskContext) -> str | None:
    """Send nothing from an account that does not match its broker."""
    if context.is_reconciled:
        return None
    return (
        "the account is not reconciled with its broker; "
        "run the reconciliation and resolve its breaks first"
    )


def check_frozen(intent: OrderIntent, context: RiskContext) -> str | None:
    """Wait while an order with an unknown outcome freezes account and instrument."""
    if not context.is_frozen:
        return None
    return (
        f"{intent.symbol} is frozen on this account: {context.freeze_reason}; "
        "it is released when that outcome is known"
    )


def check_tradable(intent: OrderIntent, context: RiskContext) -> str | None:
    """Refuse what can only be watched: indices and suspended instruments."""
    if context.instrument_is_tradable:
        return None
    return f"{intent.symbol} is not tradable; choose an instrument that is marked as tradable"


def check_quantity(intent: OrderIntent, context: RiskContext) -> str | None:
    """Require a positive quantity that is a multiple of the lot."""
    quantity, lot = intent.quantity, context.lot_size
    if not quantity.is_finite() or quantity <= 0:
        return f"quantity {quantity} is not a positive number"
    if quantity % lot == 0:
        return None
    return f"quantity {plain(quantity)} is not a multiple of the lot size {_steps(quantity, lot)}"


def check_price(intent: OrderIntent, context: RiskContext) -> str | None:
    """Require a known market price, and a limit price on the tick where one is needed."""
    if not context.reference_price.is_finite() or context.reference_price <= 0:
        return f"the reference price {context.reference_price} is not a positive number"
    price, tick = intent.limit_price, context.tick_size
    if price is None:
        return "a limit order needs a limit price" if intent.order_type == "LIMIT" else None
    if not price.is_finite() or price <= 0:
        return f"limit price {price} is not a positive number"
    if price % tick == 0:
        return None
    return f"limit price {plain(price)} is not a multiple of the tick size {_steps(price, tick)}"


def check_minimum_notional(intent: OrderIntent, context: RiskContext) -> str | None:
    """Refuse what the venue would find too small, unless it only reduces."""
    notional = _order_notional(intent, context)
    if intent.reduce_only or notional >= context.minimum_notional:
        return None
    return (
        f"order notional {plain(notional)} is below the venue's minimum "
        f"{plain(context.minimum_notional)} for {intent.symbol}"
    )


def check_order_notional(intent: OrderIntent, context: RiskContext) -> str | None:
    """Hold one order within its limit, but never prevent closing a position that has grown."""
    if intent_reduces(intent, context):
        return None
    notional = _order_notional(intent, context)
    return _above("order notional", notional, context.limits_of("ORDER_NOTIONAL"))


def check_position_notional(intent: OrderIntent, context: RiskContext) -> str | None:
    """Hold the position after the fill within its limit; what gets smaller always passes.

    A deployment's limit bounds what the deployment holds, the others what the account holds.
    """
    if intent_reduces(intent, context):
        return None
    for limit in context.limits_of("POSITION_NOTIONAL"):
        is_own = limit.scope == "deployment"
        before = context.position_quantity if is_own else context.account_position_quantity
        after = abs(before + intent.signed_quantity)
        if after <= abs(before):
            continue
        notional = after * _price(intent, context) * context.multiplier
        if reason := _above("position notional after the fill", notional, [limit]):
            return reason
    return None


def check_orders_per_second(_intent: OrderIntent, context: RiskContext) -> str | None:
    """Slow down a strategy that runs wild."""
    orders = Decimal(context.orders_last_second + 1)
    return _above("orders in one second", orders, context.limits_of("ORDERS_PER_SECOND"))


def check_daily_loss(intent: OrderIntent, context: RiskContext) -> str | None:
    """Open nothing once the day's loss is reached; not knowing the loss counts as reached."""
    limits = context.limits_of("DAILY_LOSS")
    if not limits or intent_reduces(intent, context):
        return None
    if context.equity is None or context.equity_at_day_start is None:
        missing = "equity" if context.equity is None else "equity at the start of the day"
        return (
            f"the {missing} is not known, so the daily loss limit {limits[0]} cannot be checked; "
            "record an equity snapshot first"
        )
    loss = context.equity_at_day_start - context.equity
    if loss < limits[0].value:
        return None
    return (
        f"the loss since the start of the UTC day is {plain(loss)} and has reached the limit of "
        f"{limits[0]}; until tomorrow only orders that make the position smaller pass"
    )


Check = Callable[[OrderIntent, RiskContext], str | None]

CHECKS: tuple[Check, ...] = (
    check_trading_state,
    check_reconciled,
    check_frozen,
    check_tradable,
    check_quantity,
    check_price,
    check_minimum_notional,
    check_order_notional,
    check_position_notional,
    check_orders_per_second,
    check_daily_loss,
)


def _price(intent: OrderIntent, context: RiskContext) -> Decimal:
    return context.reference_price if intent.limit_price is None else intent.limit_price


def _order_notional(intent: OrderIntent, context: RiskContext) -> Decimal:
    return intent.quantity * _price(intent, context) * context.multiplier


def _above(subject: str, value: Decimal, limits: list[LimitValue]) -> str | None:
    exceeded = next((limit for limit in limits if value > limit.value), None)
    return None if exceeded is None else f"{subject} {plain(value)} is above {exceeded}"


def _steps(value: Decimal, step: Decimal) -> str:
    below = value // step * step
    above = below + step
    nearest = f"nearest are {plain(below)} and {plain(above)}"
    return f"{plain(step)}; {nearest if below > ZERO else f'the smallest is {plain(step)}'}"
