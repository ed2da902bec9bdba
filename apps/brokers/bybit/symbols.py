"""Translates between the desk's symbols and Bybit's: ``BYBIT:BTCUSDT.P`` is the linear BTCUSDT."""

import re
from dataclasses import dataclass
from typing import Literal

Category = Literal["linear", "spot"]
CATEGORIES: tuple[Category, ...] = ("linear", "spot")

VENUE = "BYBIT"
_PREFIX, _SUFFIX = f"{VENUE}:", ".P"
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,39}")
_QUOTES = ("USDT", "USDC", "USDE", "USD1", "USDQ", "USDR", "EUR", "BRL", "PLN", "TRY", "BTC", "ETH")


class NotOfBybit(ValueError):
    """A symbol names nothing that Bybit could trade."""


@dataclass(frozen=True, slots=True)
class VenueSymbol:
    """An instrument as Bybit names it."""

    category: Category
    code: str

    @property
    def symbol(self) -> str:
        """The desk's symbol."""
        return desk_symbol(self.category, self.code)

    @property
    def settle_coin(self) -> str:
        """The coin that a linear perpetual pays out in."""
        return "USDC" if self.code.endswith(("PERP", "USDC")) or "-" in self.code else "USDT"

    @property
    def base_coin(self) -> str:
        """The coin that a spot order buys."""
        return self.code.removesuffix(self.quote_coin)

    @property
    def quote_coin(self) -> str:
        """The coin that a spot order pays with."""
        for coin in _QUOTES:
            if self.code.endswith(coin) and self.code != coin:
                return coin
        return "USDT"


def venue_symbol(symbol: str) -> VenueSymbol:
    """Return what Bybit calls an instrument.

    Raises:
        NotOfBybit: It is not ``BYBIT:CODE`` or ``BYBIT:CODE.P``.
    """
    code = symbol.removeprefix(_PREFIX)
    category: Category = "linear" if code.endswith(_SUFFIX) else "spot"
    code = code.removesuffix(_SUFFIX)
    if not symbol.startswith(_PREFIX) or not _CODE.fullmatch(code):
        raise NotOfBybit(
            f"{symbol} is not traded at Bybit; expected a symbol such as BYBIT:BTCUSDT.P "
            "(perpetual) or BYBIT:BTCUSDT (spot)"
        )
    return VenueSymbol(category, code)


def desk_symbol(category: Category, code: str) -> str:
    """Return the desk's symbol of an instrument."""
    return f"{_PREFIX}{code}{_SUFFIX if category == 'linear' else ''}"
