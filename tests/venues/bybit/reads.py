"""Who answers which signed read."""

from collections.abc import Callable

from tests.venues.bybit import account_reads, order_reads
from tests.venues.bybit.read_terms import Params
from tests.venues.bybit.replies import Row
from tests.venues.bybit.venue import Venue

READS: dict[str, Callable[[Venue, Params], Row]] = {
    "/v5/order/realtime": order_reads.realtime,
    "/v5/order/history": order_reads.history,
    "/v5/execution/list": account_reads.executions,
    "/v5/position/list": account_reads.positions,
    "/v5/position/closed-pnl": account_reads.closed_pnl,
    "/v5/account/wallet-balance": account_reads.wallet_balance,
    "/v5/account/fee-rate": account_reads.fee_rate,
    "/v5/account/info": account_reads.account_info,
    "/v5/account/transaction-log": account_reads.transaction_log,
    "/v5/user/query-api": account_reads.api_key,
    "/v5/asset/coin/query-info": account_reads.coin_info,
}
