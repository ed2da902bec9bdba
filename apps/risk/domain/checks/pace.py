"""How fast, how often and against whom the account trades."""

from collections.abc import Iterator
from decimal import Decimal

from apps.core.money import plain
from apps.risk.domain.checks.findings import Finding, above, intent_reduces
from apps.risk.domain.types import OrderIntent, RiskContext, WorkingOrder


def check_open_orders(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold how many orders work at once."""
    if not intent_reduces(intent, context):
        count = Decimal(context.open_orders + intent.orders)
        yield from above("open orders", count, context.limits_of("OPEN_ORDERS"))


def check_orders_per_second(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Slow down a strategy that runs wild."""
    orders = Decimal(context.orders_last_second + intent.orders)
    yield from above("orders in one second", orders, context.limits_of("ORDERS_PER_SECOND"))


def check_order_rate(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Take a token from each bucket of client, exchange and segment, or send nothing.

    Source: NSE, retail algo framework: ten orders a second and exchange.
    """
    for bucket in context.rate_buckets:
        if bucket.tokens < intent.orders:
            yield Finding(
                f"the order rate of {bucket.name} is used up: it allows "
                f"{plain(bucket.orders_per_second)} orders a second; try again in a second"
            )


def check_order_to_trade(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold how many orders are sent for each trade; the first hundred of a day are free."""
    if intent_reduces(intent, context) or context.orders_today < _FREE_ORDERS:
        return
    ratio = Decimal(context.orders_today + intent.orders) / max(context.trades_today, 1)
    yield from above("orders for each trade today", ratio, context.limits_of("ORDER_TO_TRADE"))


def check_repeated_executions(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Trip the throttle when a deployment executes the same again and again.

    Source: RTS 6 (EU 2017/589) article 15(3).
    """
    if not intent_reduces(intent, context):
        count = Decimal(context.executions_in_window + 1)
        limits = context.limits_of("REPEATED_EXECUTIONS")
        yield from above("executions within a minute", count, limits)


def check_duplicate_order(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Refuse the same order again within the limit's seconds."""
    for limit in context.limits_of("DUPLICATE_ORDER"):
        for order in context.working:
            age = Decimal((context.as_of - order.decided_at).total_seconds())
            if _is_same(order, intent) and age < limit.value:
                yield Finding(
                    f"the same order ({order.client_order_id}) was sent {age:.0f} s ago and still "
                    f"works; within {limit} s it counts as a duplicate",
                    limit.is_soft,
                )
                break


def check_self_trade(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Refuse an order that could trade with one of the account's own.

    Source: FIA, best practices for exchange risk controls, self-match prevention.
    """
    crossing = next((order for order in context.working if _crosses(order, intent, context)), None)
    if crossing is not None:
        at = "at market" if crossing.limit_price is None else f"at {plain(crossing.limit_price)}"
        yield Finding(
            f"it could trade with the account's own order {crossing.client_order_id} "
            f"({crossing.side} {plain(crossing.quantity)} {at}); cancel that one first"
        )


def check_trades_per_day(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold how often the account opens in a day."""
    if not intent_reduces(intent, context):
        count = Decimal(context.trades_today + 1)
        yield from above("trades today", count, context.limits_of("TRADES_PER_DAY"))


_FREE_ORDERS = 100


def _is_same(order: WorkingOrder, intent: OrderIntent) -> bool:
    return (
        order.is_own
        and order.side == intent.side
        and order.quantity == intent.quantity
        and order.limit_price == intent.limit_price
    )


def _crosses(order: WorkingOrder, intent: OrderIntent, context: RiskContext) -> bool:
    if order.side == intent.side or order.limit_price is None:
        return False  # a stop that rests at the venue is no offer to trade
    takes_up_to = intent.limit_price
    if takes_up_to is None:
        if intent.order_type != "MARKET":
            return False
        takes_up_to = _touch(intent, context)
    if intent.side == "BUY":
        return order.limit_price <= takes_up_to
    return order.limit_price >= takes_up_to


def _touch(intent: OrderIntent, context: RiskContext) -> Decimal:
    """Return the price at which a market order would begin to trade, as far as it is known."""
    known = (context.reference_price, context.last_price, context.mid_price)
    prices = [price for price in known if price is not None]
    return max(prices) if intent.side == "BUY" else min(prices)
