"""What signed reads answer: orders, executions, positions, coins, the log of transactions."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.venues.bybit.fills import MAKER, TAKER
from tests.venues.bybit.orders import ACCEPTED, VenueOrder
from tests.venues.bybit.replies import Refusal, Row, limit_read, page, text
from tests.venues.bybit.requests import is_in_scope
from tests.venues.bybit.venue import Venue
from tests.venues.bybit.wallet import wallet_row

Params = Mapping[str, str]
_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS
_RECENT = 500  # closed orders that realtime remembers


def realtime(venue: Venue, params: Params) -> Row:
    """Return open orders, or the last closed ones; an id finds an order in either."""
    category = _category(params)
    if category == "linear" and not any(
        params.get(name) for name in ("symbol", "baseCoin", "settleCoin")
    ):
        raise Refusal(10001, "params error: symbol, baseCoin or settleCoin is missing")
    by_id = bool(params.get("orderId") or params.get("orderLinkId"))
    closed_only = params.get("openOnly", "0") == "1"
    recent = _recent_closed(venue)
    found = [
        order
        for order in _seen(venue, params, category)
        if (by_id and (order.is_open or order.order_id in recent))
        or (not by_id and not closed_only and order.is_open)
        or (not by_id and closed_only and order.order_id in recent)
    ]
    return _order_page(found, params, category)


def history(venue: Venue, params: Params) -> Row:
    """Return orders newest first, as far back as they are kept; fresh ones may be missing."""
    category = _category(params)
    start, end = times_read(venue, params)
    now = venue.now_ms()
    found = [
        order
        for order in _seen(venue, params, category)
        if not order.is_open
        and order.updated_ms <= now - venue.settings.history_lag_ms
        and (order.filled or order.updated_ms > now - _DAY_MS)
        and start <= order.created_ms <= end
        and params.get("orderStatus") in (None, "", order.status)
    ]
    return _order_page(found, params, category)


def executions(venue: Venue, params: Params) -> Row:
    """Return executions newest first."""
    category = _category(params)
    start, end = times_read(venue, params)
    lag = venue.settings.history_lag_ms
    found = [
        row
        for row in reversed(venue.account.executions)
        if _category_of(venue, row) == category
        and start <= int(row["execTime"]) <= min(end, venue.now_ms() - lag)
        and _matches(row, params, ("symbol", "orderId", "orderLinkId", "execType"))
    ]
    cut, cursor = page(found, params=params, key="execId", at="execTime", usual=50, most=100)
    return {"nextPageCursor": cursor, "category": category, "list": cut}


def positions(venue: Venue, params: Params) -> Row:
    """Return positions: flat rows too where a symbol is asked for."""
    category = _category(params)
    if category == "spot":
        raise Refusal(10001, "params error: Illegal category")
    limit_read(params, usual=20, most=200)
    if category != "linear":
        return {"list": [], "nextPageCursor": "", "category": category}
    symbol = params.get("symbol")
    if not (symbol or params.get("settleCoin")):
        raise Refusal(10001, "params error: symbol or settleCoin is missing")
    rows: list[Row] = []
    for listed in venue.listing:
        if not (listed.is_linear and is_in_scope(listed, params)):
            continue
        for idx in venue.account.indexes(listed.symbol):
            position = venue.account.position(listed, idx, at_ms=venue.now_ms())
            if symbol or position.size:
                rows.append(position.row(venue.market(listed).last))
    if symbol and not rows:
        raise Refusal(10001, "params error: symbol invalid")
    cut, cursor = page(
        [{**row, "key": f"{row['symbol']}-{row['positionIdx']}"} for row in rows],
        params=params,
        key="key",
        at="updatedTime",
        usual=20,
        most=200,
    )
    for row in cut:
        del row["key"]
    return {"list": cut, "nextPageCursor": cursor, "category": "linear"}


def closed_pnl(venue: Venue, params: Params) -> Row:
    """Return what closing orders earned, newest first."""
    _category(params)
    start, end = times_read(venue, params)
    found = [
        row
        for row in reversed(venue.account.closed)
        if start <= int(row["updatedTime"]) <= end and _matches(row, params, ("symbol",))
    ]
    cut, cursor = page(found, params=params, key="orderId", at="updatedTime", usual=50, most=100)
    return {"nextPageCursor": cursor, "category": params["category"], "list": cut}


def transaction_log(venue: Venue, params: Params) -> Row:
    """Return what changed coins, newest first; of the last day unless times are given."""
    start, end = times_read(venue, params, usual_ms=_DAY_MS)
    found = [
        row
        for row in reversed(venue.account.transactions)
        if start <= int(row["transactionTime"]) <= end
        and _matches(row, params, ("category", "currency", "type"))
    ]
    cut, cursor = page(found, params=params, key="id", at="transactionTime", usual=20, most=50)
    return {"nextPageCursor": cursor, "list": cut}


def wallet_balance(venue: Venue, params: Params) -> Row:
    """Return the coins of the unified account."""
    if params.get("accountType") != "UNIFIED":
        raise Refusal(10001, "accountType only support UNIFIED.")
    coins = frozenset(params["coin"].split(",")) if params.get("coin") else frozenset()
    return {"list": [wallet_row(venue, coins)]}


def fee_rate(venue: Venue, params: Params) -> Row:
    """Return what trading costs."""
    category = _category(params)
    return {
        "list": [
            {
                "symbol": listed.symbol,
                "takerFeeRate": text(TAKER[listed.category]),
                "makerFeeRate": text(MAKER[listed.category]),
            }
            for listed in venue.listing
            if listed.category == category and params.get("symbol") in (None, "", listed.symbol)
        ]
    }


def account_info(venue: Venue, params: Params) -> Row:
    """Return how the account is set up: UTA 2.0, cross margin."""
    return {
        "marginMode": "REGULAR_MARGIN",
        "updatedTime": str(venue.since_ms),
        "unifiedMarginStatus": 5,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def times_read(venue: Venue, params: Params, *, usual_ms: int | None = None) -> tuple[int, int]:
    """Read startTime and endTime; at most seven days apart.

    Raises:
        Refusal: They are none, or further apart.
    """
    given = {name: params.get(name, "") for name in ("startTime", "endTime")}
    if any(value and not value.isdigit() for value in given.values()):
        raise Refusal(10001, "params error: startTime or endTime invalid")
    start, end = (int(value) if value else None for value in given.values())
    if start is None and end is None:
        now = venue.now_ms()
        return (0 if usual_ms is None else now - usual_ms), now + _WEEK_MS
    span = usual_ms or _WEEK_MS
    if start is None:
        assert end is not None
        start = end - span
    end = start + span if end is None else end
    if end < start or end - start > _WEEK_MS:
        raise Refusal(10001, "The time range between startTime and endTime cannot exceed 7 days")
    return start, end


def _category(params: Params) -> str:
    category = params.get("category", "")
    if category not in ("linear", "spot", "inverse", "option"):  # the last two are empty here
        raise Refusal(10001, "params error: Illegal category")
    return category


def _seen(venue: Venue, params: Params, category: str) -> list[VenueOrder]:
    """Return the orders that a request names, newest first."""
    candidates: Iterable[VenueOrder] = reversed(list(venue.orders.values()))
    if link_id := params.get("orderLinkId"):
        found = venue.by_link.get((category, link_id))
        candidates = [found] if found else []
    if order_id := params.get("orderId"):
        candidates = [venue.orders[order_id]] if order_id in venue.orders else []
    return [
        order
        for order in candidates
        if order.status != ACCEPTED
        and order.instrument.category == category
        and is_in_scope(order.instrument, params)
        and params.get("orderFilter") in (None, "", order.order_filter)
    ]


def _recent_closed(venue: Venue) -> set[str]:
    """Return the closed orders that realtime remembers: 500, and none from before a restart."""
    recent: set[str] = set()
    for order in reversed(venue.orders.values()):
        if len(recent) == _RECENT:
            break
        if not order.is_open and order.updated_ms >= venue.restarted_ms:
            recent.add(order.order_id)
    return recent


def _order_page(found: list[VenueOrder], params: Params, category: str) -> Row:
    rows = [order.row() for order in found]
    cut, cursor = page(rows, params=params, key="orderId", at="createdTime", usual=20, most=50)
    return {"nextPageCursor": cursor, "category": category, "list": cut}


def _matches(row: Row, params: Params, names: tuple[str, ...]) -> bool:
    return all(params.get(name) in (None, "", row[name]) for name in names)


def _category_of(venue: Venue, row: Row) -> str:
    order = venue.orders.get(row["orderId"])
    return order.instrument.category if order else "linear"  # funding has no order


def api_key(venue: Venue, params: Params) -> Row:
    """Return what the key may do."""
    settings = venue.settings
    wallet = ["AccountTransfer", "SubMemberTransfer"]
    return {
        "id": "2208369",
        "note": "desk",
        "apiKey": settings.api_key,
        "readOnly": int(settings.read_only),
        "secret": "",
        "permissions": {
            "ContractTrade": ["Order", "Position"],
            "Spot": ["SpotTrade"],
            "Wallet": [*wallet, "Withdraw"] if settings.may_withdraw else [],
            "Derivatives": ["DerivativesTrade"],
            **{name: [] for name in _UNUSED_PERMISSIONS},
        },
        "ips": ["*"],
        "type": 1,
        "deadlineDay": 83,
        "expiredAt": "2099-01-01T00:00:00Z",
        "createdAt": "2025-10-13T03:20:45Z",
        "unified": 0,
        "uta": 1,
        "userID": 1448939,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_DEFAULT",
        "kycRegion": "",
        "userIDInt64": "1448939",
        "inviterIDInt64": "0",
        "affiliateIDInt64": "0",
    }


_UNUSED_PERMISSIONS = (
    *("Options", "CopyTrading", "BlockTrade", "Exchange", "NFT", "Affiliate", "Earn", "FiatP2P"),
    *("FiatConvertBroker", "FiatGlobalPay", "FiatBitPay", "BitCard", "ByXPost"),
)


def coin_info(venue: Venue, params: Params) -> Row:
    """Return the coins with one chain each, for clients that load currencies."""
    coins = sorted({listed.base for listed in venue.listing if not listed.is_linear} | {"USDT"})
    return {"rows": [_coin(name) for name in coins]}


def _coin(name: str) -> dict[str, Any]:
    chain = {
        "chainType": name,
        "confirmation": "10",
        "withdrawFee": "0.0001",
        "depositMin": "0.0001",
        "withdrawMin": "0.001",
        "chain": name,
        "chainDeposit": "1",
        "chainWithdraw": "1",
        "minAccuracy": "8",
        "withdrawPercentageFee": "0",
        "contractAddress": "",
        "safeConfirmNumber": "100",
    }
    return {"name": name, "coin": name, "remainAmount": "100000", "chains": [chain]}


READS: dict[str, Callable[[Venue, Params], Row]] = {
    "/v5/order/realtime": realtime,
    "/v5/order/history": history,
    "/v5/execution/list": executions,
    "/v5/position/list": positions,
    "/v5/position/closed-pnl": closed_pnl,
    "/v5/account/wallet-balance": wallet_balance,
    "/v5/account/fee-rate": fee_rate,
    "/v5/account/info": account_info,
    "/v5/account/transaction-log": transaction_log,
    "/v5/user/query-api": api_key,
    "/v5/asset/coin/query-info": coin_info,
}
