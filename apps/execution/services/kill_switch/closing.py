"""Writes down what closes a position for a kill switch: how much, at which price, how often."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Max

from apps.accounts.models import Broker, TradingAccount
from apps.core.clock import standing_at, wall_now
from apps.core.money import plain
from apps.core.services import audit_record
from apps.execution.services.markets import market_for
from apps.execution.services.runs import AccountRun
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.models import Instrument
from apps.orders.domain.collars import marketable_limit
from apps.orders.domain.fill_rules import round_down
from apps.orders.domain.types import OrderOrigin, OrderRole, OrderType, Side, TimeInForce
from apps.orders.models import Order, OrderQuote
from apps.orders.selectors import FINAL_VALUES
from apps.orders.services import OrderPlan, order_create, order_quote_record
from apps.risk.models import KillSwitch
from apps.strategies.models import Deployment

COLLAR_BPS = Decimal(200)
"""How far a closing order may pay where the venue takes no market order from programs."""
WIDEST_COLLAR_BPS = Decimal(1000)
FRUITLESS_WINDOW = timedelta(minutes=10)
LONGEST_WAIT_SECONDS = 60.0
"""Between two attempts where the venue fills none: it may be closed for hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is to be closed of one instrument for one owner.

    Attributes:
        owner: None: by hand, or unknown to our books.
        side: Of the order that closes it.
        quantity: Units; positive.
    """

    instrument: Instrument
    owner: Deployment | None
    side: Side
    quantity: Decimal


def closing_wait(
    switch: KillSwitch, account: TradingAccount, holding: Holding
) -> tuple[int, float]:
    """Return how many attempts have lately ended without a fill, and for how long to wait now.

    Each doubles the wait: where a venue refuses, is closed or has no market, orders must not pile
    up.
    """
    ended = Order.objects.filter(
        kill_switch=switch,
        account=account,
        instrument=holding.instrument,
        deployment=holding.owner,
        status__in=FINAL_VALUES,
        filled_quantity=0,
        created_at__gte=wall_now() - FRUITLESS_WINDOW,
    ).aggregate(count=Count("pk"), latest=Max("created_at"))
    count: int = ended["count"]
    if count == 0:
        return 0, 0.0
    wait = min(0.2 * 2**count, LONGEST_WAIT_SECONDS)
    return count, wait - (wall_now() - ended["latest"]).total_seconds()


def closing_order(
    switch: KillSwitch, run: AccountRun, holding: Holding, fruitless: int
) -> Order | None:
    """Write down the order that closes a holding, or None where that is less than a lot.

    Raises:
        MarketUnknown: It needs a price, and none is known.
    """
    quantity = _lots(holding)
    if quantity == 0:
        return None
    moment, limit_price = _terms(run, holding, fruitless)
    before = Order.objects.filter(
        kill_switch=switch, account=run.account, instrument=holding.instrument
    )
    plan = OrderPlan(
        key=f"kill-{switch.pk}:{holding.instrument.symbol}:{before.count()}",
        decided_at=moment,
        side=holding.side,
        role=OrderRole.EXIT,
        order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
        time_in_force=TimeInForce.GTC if limit_price is None else TimeInForce.DAY,
        quantity=quantity,
        limit_price=limit_price,
        reduce_only=True,
        origin=OrderOrigin.DESK,
        kill_switch=switch,
    )
    with standing_at(moment), run.lease_kept():
        return _order_write(switch, run, holding, plan)


def _order_write(switch: KillSwitch, run: AccountRun, holding: Holding, plan: OrderPlan) -> Order:
    order = order_create(
        account=run.account,
        instrument=holding.instrument,
        deployment=holding.owner,
        plan=plan,
    )
    order_quote_record(order=order, moment=OrderQuote.Moment.DECISION)
    audit_record(
        action="kill_switch.closing_ordered",
        subject=switch,
        process="kill_switch",
        details={
            "order": str(order),
            "instrument": holding.instrument.symbol,
            "side": plan.side.value,
            "quantity": plain(plan.quantity),
        },
    )
    return order


def _lots(holding: Holding) -> Decimal:
    """Return what one order can close: whole lots, and no more than the venue takes at once."""
    most = holding.instrument.maximum_quantity
    quantity = holding.quantity if most is None else min(holding.quantity, most)
    return round_down(quantity, holding.instrument.lot_size)


def _terms(run: AccountRun, holding: Holding, fruitless: int) -> tuple[datetime, Decimal | None]:
    """Return the market time of the decision, and the limit price where a market order is barred.

    The collar is wider after each attempt that nobody took.

    Raises:
        MarketUnknown: A price is needed, and none is known.
    """
    capabilities = run.gateway.capabilities
    takes_market = capabilities.market_orders_by_algo and (
        OrderType.MARKET in capabilities.order_types
    )
    if takes_market and run.account.broker != Broker.PAPER:
        return wall_now(), None
    market = market_for(account=run.account, instrument=holding.instrument)
    if takes_market:
        return market.as_of, None
    return market.as_of, marketable_limit(
        side=holding.side,
        quote=market.quote or QuoteView(last=market.reference_price),
        collar_bps=min(COLLAR_BPS * (fruitless + 1), WIDEST_COLLAR_BPS),
        tick_size=holding.instrument.tick_size,
    )
