"""Reads what an account has paid for its executions of late, to say what the next may cost."""

from decimal import Decimal

from apps.accounts.models import TradingAccount
from apps.core.money import ZERO
from apps.marketdata.models import Instrument
from apps.orders.models import Fill

_FILLS = 20


def commission_ratio_recent(*, account: TradingAccount, instrument: Instrument) -> Decimal | None:
    """Return the part of the notional that the account's last fills at the venue have cost.

    Fills whose commission was taken in another currency than the price are left out.

    Returns:
        Such as 0.0006 for 6 basis points, negative for a rebate; None where nothing was filled.
    """
    rows = (
        Fill.objects.filter(
            order__account=account,
            order__instrument__venue=instrument.venue,
            order__instrument__kind=instrument.kind,
            commission_currency=instrument.quote_currency,
        )
        .order_by("-pk")
        .values_list("commission", "quantity", "price", "order__instrument__multiplier")[:_FILLS]
    )
    paid = notional = ZERO
    for commission, quantity, price, multiplier in rows:
        paid += commission
        notional += quantity * price * multiplier
    return paid / notional if notional else None
