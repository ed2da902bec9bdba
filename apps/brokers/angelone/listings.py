"""Finds what Angel One calls an instrument today."""

from dataclasses import dataclass
from decimal import Decimal

from apps.brokers.angelone.words import EXCHANGES
from apps.brokers.models import AngelOneListing
from apps.core.money import plain
from apps.orders.domain.ports import Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One contract as orders name it; tick and prices in rupees."""

    symbol: str
    exchange: str
    trading_symbol: str
    symbol_token: str
    lot_size: Decimal
    tick_size: Decimal
    freeze_quantity: Decimal | None

    def quantity_check(self, quantity: Decimal) -> None:
        """Refuse a quantity that the exchange would refuse.

        Raises:
            Rejected: It names what the quantity must be.
        """
        if quantity <= 0 or quantity % self.lot_size:
            raise Rejected(
                f"quantity {plain(quantity)} is not a positive multiple of the lot "
                f"{plain(self.lot_size)}",
                code="LOT",
            )
        if self.freeze_quantity and quantity > self.freeze_quantity:
            raise Rejected(
                f"quantity {plain(quantity)} is above the freeze quantity "
                f"{plain(self.freeze_quantity)} of one order; send it in parts",
                code="FREEZE_QUANTITY",
            )

    def price_check(self, name: str, price: Decimal | None) -> Decimal:
        """Return a price that the exchange takes.

        Raises:
            Rejected: It is missing, or no multiple of the tick.
        """
        if price is None:
            raise Rejected(f"the order needs a {name} price", code="PRICE")
        if price <= 0 or price % self.tick_size:
            raise Rejected(
                f"{name} price {plain(price)} is not a positive multiple of the tick "
                f"{plain(self.tick_size)}",
                code="TICK",
            )
        return price


def listed(symbol: str) -> Listed:
    """Return what Angel One calls an instrument today.

    Raises:
        Rejected: It is not in the list, or not at an exchange that is traded.
    """
    row = AngelOneListing.objects.filter(symbol=symbol, effective_to=None).first()
    if row is None:
        raise Rejected(
            f"Angel One's list of instruments has no {symbol}; import it with "
            "manage.py angelone_instruments, or correct the symbol",
            code="SYMBOL",
        )
    if row.exchange not in EXCHANGES:
        raise Rejected(
            f"{symbol} is at {row.exchange}, where Angel One counts quantities in lots; the desk "
            f"trades {', '.join(EXCHANGES)} there",
            code="EXCHANGE",
        )
    return Listed(
        symbol=row.symbol,
        exchange=row.exchange,
        trading_symbol=row.trading_symbol,
        symbol_token=row.symbol_token,
        lot_size=row.lot_size,
        tick_size=row.tick_size,
        freeze_quantity=row.freeze_quantity,
    )
