"""Reads of what is held."""

from decimal import Decimal

from apps.accounts.models import TradingAccount
from apps.core.money import ZERO
from apps.core.rows import row_of
from apps.marketdata.models import Instrument
from apps.positions.models import NetPosition
from apps.strategies.models import Deployment

_HELD = """
SELECT quantity FROM positions_position
WHERE account_id = %(account)s AND instrument_id = %(instrument)s
AND deployment_id IS NOT DISTINCT FROM %(deployment)s
"""


def position_quantity(
    *, account: TradingAccount, instrument: Instrument, deployment: Deployment | None
) -> Decimal:
    """Return the signed units that a deployment holds; None: the orders by hand."""
    values = {
        "account": account.pk,
        "instrument": instrument.pk,
        "deployment": deployment.pk if deployment else None,
    }
    row = row_of(_HELD, values)
    return ZERO if row is None else Decimal(row[0])


def position_quantity_account(*, account: TradingAccount, instrument: Instrument) -> Decimal:
    """Return the signed units that the account holds, all deployments netted."""
    held = NetPosition.objects.filter(account=account, instrument=instrument)
    return held.values_list("quantity", flat=True).first() or ZERO
