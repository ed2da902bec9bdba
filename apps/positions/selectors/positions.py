"""Reads of what is held."""

from decimal import Decimal

from apps.accounts.models import TradingAccount
from apps.core.money import ZERO
from apps.marketdata.models import Instrument
from apps.positions.models import NetPosition, Position
from apps.strategies.models import Deployment


def position_quantity(
    *, account: TradingAccount, instrument: Instrument, deployment: Deployment | None
) -> Decimal:
    """Return the signed units that a deployment holds; None: the orders by hand."""
    held = Position.objects.filter(account=account, instrument=instrument, deployment=deployment)
    return held.values_list("quantity", flat=True).first() or ZERO


def position_quantity_account(*, account: TradingAccount, instrument: Instrument) -> Decimal:
    """Return the signed units that the account holds, all deployments netted."""
    held = NetPosition.objects.filter(account=account, instrument=instrument)
    return held.values_list("quantity", flat=True).first() or ZERO
