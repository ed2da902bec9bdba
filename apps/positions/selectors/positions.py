"""Reads of what is held."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import OuterRef, Subquery

from apps.accounts.models import TradingAccount
from apps.core.money import ZERO
from apps.marketdata.models import Candle, Instrument
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


@dataclass(frozen=True, slots=True)
class PricedPosition:
    """What an account holds of an instrument, and the last close known of it.

    Attributes:
        price: Quote currency; the average entry price where no bar is stored.
    """

    position: NetPosition
    price: Decimal


def position_list_priced(*, account: TradingAccount, timeframe: str | None) -> list[PricedPosition]:
    """Return what the account holds, with prices, in one query however much it is.

    Args:
        timeframe: Bars to look at; None: whichever are newest.
    """
    candles = Candle.objects.filter(instrument=OuterRef("instrument")).order_by("-open_at")
    if timeframe is not None:
        candles = candles.filter(timeframe=timeframe)
    held = (
        NetPosition.objects.filter(account=account)
        .exclude(quantity=0)
        .select_related("instrument")
        .annotate(close=Subquery(candles.values("close")[:1]))
    )
    return [
        PricedPosition(
            position, position.average_entry_price if position.close is None else position.close
        )
        for position in held
    ]
