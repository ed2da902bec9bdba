"""Which requests the adapter makes, which of them write, and how fast Bybit takes each.

Source: Bybit V5 rate limits, per user, endpoint and second; one in five is kept in reserve for
whatever else uses the same account.
"""

from dataclasses import dataclass
from enum import StrEnum

from apps.brokers.limits import RateLimit


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request of Bybit's.

    Attributes:
        call: Name of pybit's method.
        per_second: Requests per second and user.
        per_second_spot: The same where spot has another limit.
        is_signed: Whether it needs the account's key.
    """

    call: str
    per_second: int
    per_second_spot: int | None = None
    writes: bool = False
    is_signed: bool = True

    def limit(self, category: object) -> int:
        """Return how many requests a second the desk allows itself."""
        is_spot = category == "spot" and self.per_second_spot is not None
        allowed = self.per_second_spot if is_spot else self.per_second
        return max(1, int((allowed or 1) * 0.8))


class Ask(StrEnum):
    """The requests by name."""

    CREATE = "CREATE"
    AMEND = "AMEND"
    CANCEL = "CANCEL"
    CANCEL_ALL = "CANCEL_ALL"
    ORDERS = "ORDERS"
    HISTORY = "HISTORY"
    EXECUTIONS = "EXECUTIONS"
    POSITIONS = "POSITIONS"
    WALLET = "WALLET"
    TRANSACTIONS = "TRANSACTIONS"
    KEY = "KEY"
    ACCOUNT = "ACCOUNT"
    LEVERAGE = "LEVERAGE"
    MARGIN_MODE = "MARGIN_MODE"
    POSITION_MODE = "POSITION_MODE"
    TIME = "TIME"
    INSTRUMENTS = "INSTRUMENTS"
    KLINES = "KLINES"
    TICKERS = "TICKERS"


ENDPOINTS: dict[Ask, Endpoint] = {
    Ask.CREATE: Endpoint("place_order", 10, 20, writes=True),
    Ask.AMEND: Endpoint("amend_order", 10, 10, writes=True),
    Ask.CANCEL: Endpoint("cancel_order", 10, 20, writes=True),
    Ask.CANCEL_ALL: Endpoint("cancel_all_orders", 10, 20, writes=True),
    Ask.ORDERS: Endpoint("get_open_orders", 50),
    Ask.HISTORY: Endpoint("get_order_history", 50),
    Ask.EXECUTIONS: Endpoint("get_executions", 50),
    Ask.POSITIONS: Endpoint("get_positions", 50),
    Ask.WALLET: Endpoint("get_wallet_balance", 50),
    Ask.TRANSACTIONS: Endpoint("get_transaction_log", 25),
    Ask.KEY: Endpoint("get_api_key_information", 10),
    Ask.ACCOUNT: Endpoint("get_account_info", 50),
    Ask.LEVERAGE: Endpoint("set_leverage", 10, writes=True),
    Ask.MARGIN_MODE: Endpoint("set_margin_mode", 5, writes=True),
    Ask.POSITION_MODE: Endpoint("switch_position_mode", 10, writes=True),
    Ask.TIME: Endpoint("get_server_time", 50, is_signed=False),
    Ask.INSTRUMENTS: Endpoint("get_instruments_info", 50, is_signed=False),
    Ask.KLINES: Endpoint("get_kline", 50, is_signed=False),
    Ask.TICKERS: Endpoint("get_tickers", 50, is_signed=False),
}

ADDRESS_LIMIT = RateLimit(500, 5.0)
"""Requests from one address, whoever makes them; Bybit bans it for ten minutes above 600."""
