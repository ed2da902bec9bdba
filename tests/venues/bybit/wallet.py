"""What the account can still spend, and the rows of its coins."""

from decimal import Decimal

from tests.venues.bybit.orders import VenueOrder
from tests.venues.bybit.replies import Row, text
from tests.venues.bybit.venue import Venue

ZERO = Decimal(0)


def cost_of(venue: Venue, order: VenueOrder) -> tuple[str, Decimal]:
    """Return the coin that an order ties up, and how much."""
    listed = order.instrument
    price = order.price or venue.market(listed).last
    if listed.is_linear:
        if order.reduce_only:
            return listed.quote, ZERO
        return listed.quote, order.leaves * price / venue.account.leverage(listed.symbol)
    if order.side == "Sell":
        return listed.base, order.leaves
    if order.by_quote:
        return listed.quote, order.quantity - order.filled_value
    return listed.quote, order.leaves * price


def is_affordable(venue: Venue, order: VenueOrder) -> bool:
    """Tell whether the account can pay for an order beside what it has tied up already."""
    coin, cost = cost_of(venue, order)
    if order.is_linear and _reduces(venue, order):
        return True
    return cost <= available(venue, coin, without=order)


def available(venue: Venue, coin: str, *, without: VenueOrder | None = None) -> Decimal:
    """Return what is free of a coin."""
    free = venue.account.coins.get(coin, ZERO)
    order_margin, locked = tied_up(venue, coin, without=without)
    positions = [p for p in venue.account.positions() if p.instrument.quote == coin]
    margin = sum((p.margin() for p in positions), ZERO)
    losses = sum(
        (min(p.unrealized(venue.market(p.instrument).mark), ZERO) for p in positions), ZERO
    )
    return free - order_margin - locked - margin + losses


def tied_up(
    venue: Venue, coin: str, *, without: VenueOrder | None = None
) -> tuple[Decimal, Decimal]:
    """Return what open orders tie up of a coin: margin of linear ones, locks of spot ones."""
    margin, locked = ZERO, ZERO
    for order in venue.open_orders.values():
        waits = order.status == "Untriggered" and order.order_filter != "tpslOrder"
        if order is without or waits:
            continue
        tied, cost = cost_of(venue, order)
        if tied == coin and order.is_linear:
            margin += cost
        elif tied == coin and not order.sibling:
            locked += cost
        elif tied == coin:
            locked += cost / 2  # one of a pair: both lock the coin once
    return margin, locked


def wallet_row(venue: Venue, coins: frozenset[str] = frozenset()) -> Row:
    """Return the account as wallet-balance and the wallet topic show it.

    Args:
        coins: Only these; all that are not zero when empty.
    """
    shown = [
        coin
        for coin, amount in sorted(venue.account.coins.items())
        if (coin in coins if coins else amount)
    ]
    rows = [_coin_row(venue, coin) for coin in shown]
    sums = [sum((part[number] for _, part in rows), ZERO) for number in range(6)]
    equity, wallet, free, order_margin, position_margin, profit = sums
    return {
        "accountType": "UNIFIED",
        "accountIMRate": "0",
        "accountIMRateByMp": "0",
        "accountMMRate": "0",
        "accountMMRateByMp": "0",
        "accountLTV": "0",
        "totalEquity": text(equity),
        "totalWalletBalance": text(wallet),
        "totalMarginBalance": text(equity),
        "totalAvailableBalance": text(free),
        "totalPerpUPL": text(profit),
        "totalInitialMargin": text(order_margin + position_margin),
        "totalInitialMarginByMp": text(order_margin + position_margin),
        "totalMaintenanceMargin": "0",
        "totalMaintenanceMarginByMp": "0",
        "coin": [row for row, _ in rows],
    }


def _coin_row(venue: Venue, coin: str) -> tuple[Row, tuple[Decimal, ...]]:
    """Return the row, and in dollars: equity, wallet, free, both margins, profit."""
    balance = venue.account.coins.get(coin, ZERO)
    order_margin, locked = tied_up(venue, coin)
    positions = [p for p in venue.account.positions() if p.instrument.quote == coin]
    margin = sum((p.margin() for p in positions), ZERO)
    profit = sum((p.unrealized(venue.market(p.instrument).mark) for p in positions), ZERO)
    price = _usd(venue, coin)
    row = {
        "coin": coin,
        "equity": text(balance + profit),
        "usdValue": text((balance + profit) * price),
        "walletBalance": text(balance),
        "locked": text(locked),
        "totalOrderIM": text(order_margin),
        "totalPositionIM": text(margin),
        "totalPositionMM": text(margin / 20),
        "unrealisedPnl": text(profit),
        "cumRealisedPnl": text(venue.account.realized.get(coin, ZERO)),
        "bonus": "0",
        "accruedInterest": "0",
        "borrowAmount": "0",
        "availableToBorrow": "",
        "availableToWithdraw": "",
        "spotBorrow": "0",
        "spotHedgingQty": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
    }
    usd = tuple(
        each * price
        for each in (
            balance + profit,
            balance,
            available(venue, coin),
            order_margin,
            margin,
            profit,
        )
    )
    return row, usd


def _reduces(venue: Venue, order: VenueOrder) -> bool:
    position = venue.account.position(order.instrument, order.position_idx)
    against = bool(position.side) and position.side != order.side
    return against and order.leaves <= abs(position.size)


def _usd(venue: Venue, coin: str) -> Decimal:
    market = venue.markets.get(("spot", f"{coin}USDT"))
    return market.last if market else Decimal(1)
