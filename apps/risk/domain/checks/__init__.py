"""The pre-trade checks, in the order in which they are asked; backtest and live use the same."""

from decimal import localcontext

from apps.risk.domain.checks.exposure import (
    check_concentration,
    check_gross_exposure,
    check_leverage,
    check_margin,
    check_net_exposure,
    check_position_notional,
)
from apps.risk.domain.checks.findings import Check, intent_reduces
from apps.risk.domain.checks.losses import check_daily_loss, check_drawdown
from apps.risk.domain.checks.market import (
    check_price,
    check_price_collar,
    check_session,
    check_stale_price,
    check_tradable,
)
from apps.risk.domain.checks.pace import (
    check_duplicate_order,
    check_open_orders,
    check_order_rate,
    check_order_to_trade,
    check_orders_per_second,
    check_repeated_executions,
    check_self_trade,
    check_trades_per_day,
)
from apps.risk.domain.checks.sizes import (
    check_minimum_notional,
    check_order_notional,
    check_order_quantity,
    check_quantity,
)
from apps.risk.domain.checks.states import (
    check_frozen,
    check_reconciled,
    check_throttled,
    check_trading_state,
)
from apps.risk.domain.types import Denial, GateAnswer, OrderIntent, RiskContext, Warned

__all__ = ["CHECKS", "gate_ask", "intent_deny", "intent_reduces"]

_EXACT_DIGITS = 60  # products of two stored amounts keep every digit

# Cheapest and most final first: a halted desk never gets as far as arithmetic
CHECKS: tuple[Check, ...] = (
    check_trading_state,
    check_reconciled,
    check_frozen,
    check_throttled,
    check_tradable,
    check_session,
    check_quantity,
    check_price,
    check_stale_price,
    check_price_collar,
    check_minimum_notional,
    check_order_quantity,
    check_order_notional,
    check_self_trade,
    check_duplicate_order,
    check_position_notional,
    check_gross_exposure,
    check_net_exposure,
    check_concentration,
    check_leverage,
    check_margin,
    check_open_orders,
    check_orders_per_second,
    check_order_rate,
    check_order_to_trade,
    check_repeated_executions,
    check_trades_per_day,
    check_daily_loss,
    check_drawdown,
)


def gate_ask(intent: OrderIntent, context: RiskContext) -> GateAnswer:
    """Ask every check in turn until one denies; soft limits that are exceeded warn."""
    warnings: list[Warned] = []
    with localcontext() as exact:
        exact.prec = _EXACT_DIGITS
        for check in CHECKS:
            name = check.__name__.removeprefix("check_")
            for finding in check(intent, context):
                if not finding.is_soft:
                    denial = Denial(check=name, reason=finding.reason)
                    return GateAnswer(denial=denial, warnings=tuple(warnings))
                warnings.append(Warned(check=name, reason=finding.reason))
    return GateAnswer(denial=None, warnings=tuple(warnings))


def intent_deny(intent: OrderIntent, context: RiskContext) -> Denial | None:
    """Return the first objection, or None: the order may be sent."""
    return gate_ask(intent, context).denial
