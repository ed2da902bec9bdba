"""What reads of the account answer: executions, positions, coins, what changed them, the key."""

from collections.abc import Callable
from typing import Any

from tests.venues.bybit.fills import MAKER, TAKER
from tests.venues.bybit.read_terms import DAY_MS, Params, category_read, times_read
from tests.venues.bybit.replies import Refusal, Row, limit_read, page, text
from tests.venues.bybit.requests import is_in_scope
from tests.venues.bybit.venue import Venue
from tests.venues.bybit.wallet import wallet_row


def executions(venue: Venue, params: Params) -> Row:
    """Return executions newest first."""
    category = category_read(params)
    start, end = times_read(venue, params)
    lag = venue.settings.history_lag_ms
    found = [
        row
        for row in reversed(venue.account.executions)
        if _category_of(venue, row) == category
        and start <= int(row["execTime"]) <= min(end, venue.now_ms() - lag)
        and _matches(row, params, ("symbol", "orderId", "orderLinkId", "execType"))
    ]
    cut, cursor = page(found, params=params, mark=_mark("execId", "execTime"), usual=50, most=100)
    return {"nextPageCursor": cursor, "category": category, "list": cut}


def positions(venue: Venue, params: Params) -> Row:
    """Return positions: flat rows too where a symbol is asked for."""
    category = category_read(params)
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
            position = venue.account.position(listed, idx)
            if symbol or position.size:
                rows.append(position.row(venue.market(listed).mark))
    if symbol and not rows:
        raise Refusal(10001, "params error: symbol invalid")
    cut, cursor = page(
        rows,
        params=params,
        mark=lambda row: (f"{row['symbol']}-{row['positionIdx']}", row["updatedTime"]),
        usual=20,
        most=200,
    )
    return {"list": cut, "nextPageCursor": cursor, "category": "linear"}


def closed_pnl(venue: Venue, params: Params) -> Row:
    """Return what closing orders earned, newest first."""
    category_read(params)
    start, end = times_read(venue, params)
    found = [
        row
        for row in reversed(venue.account.closed)
        if start <= int(row["updatedTime"]) <= end and _matches(row, params, ("symbol",))
    ]
    cut, cursor = page(
        found, params=params, mark=_mark("orderId", "updatedTime"), usual=50, most=100
    )
    return {"nextPageCursor": cursor, "category": params["category"], "list": cut}


def transaction_log(venue: Venue, params: Params) -> Row:
    """Return what changed coins, newest first; of the last day unless times are given."""
    start, end = times_read(venue, params, usual_ms=DAY_MS)
    found = [
        row
        for row in reversed(venue.account.transactions)
        if start <= int(row["transactionTime"]) <= end
        and _matches(row, params, ("category", "currency", "type"))
    ]
    cut, cursor = page(found, params=params, mark=_mark("id", "transactionTime"), usual=20, most=50)
    return {"nextPageCursor": cursor, "list": cut}


def wallet_balance(venue: Venue, params: Params) -> Row:
    """Return the coins of the unified account."""
    if params.get("accountType") != "UNIFIED":
        raise Refusal(10001, "accountType only support UNIFIED.")
    coins = frozenset(params["coin"].split(",")) if params.get("coin") else frozenset()
    return {"list": [wallet_row(venue, coins)]}


def fee_rate(venue: Venue, params: Params) -> Row:
    """Return what trading costs."""
    category = category_read(params)
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
    """Return how the account is set up: UTA 2.0, cross margin at first."""
    return {
        "marginMode": venue.account.margin_mode,
        "updatedTime": str(venue.since_ms),
        "unifiedMarginStatus": 5,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def _mark(key: str, at: str) -> Callable[[Row], tuple[str, str]]:
    return lambda row: (row[key], row[at])


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
