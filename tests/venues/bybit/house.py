"""What tests do to the venue: move the market, print trades, pay funding, change coins."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.venues.bybit.fills import execution_words, realize, transaction_record
from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.market import Market, Quote
from tests.venues.bybit.matching import after_trading, executions_apply, house_trade
from tests.venues.bybit.replies import Row, places, text
from tests.venues.bybit.venue import Change, Venue
from tests.venues.exchange import HOUSE, Side, TimeInForce

Asked = Mapping[str, Any]
ZERO = Decimal(0)


def _meant(venue: Venue, fields: Asked) -> list[Instrument]:
    categories = [fields["category"]] if fields.get("category") else ["linear", "spot"]
    found = [
        listed
        for listed in venue.listing
        if listed.symbol == fields["symbol"] and listed.category in categories
    ]
    if not found:
        raise ValueError(f"{fields['symbol']} is not listed in {categories}")
    return found


def _number(fields: Asked, name: str) -> Decimal | None:
    given = fields.get(name)
    return None if given is None else Decimal(str(given))


def price(venue: Venue, fields: Asked) -> None:
    """Let the market trade at a price from now on, in any quantity unless one is given."""
    last = Decimal(str(fields["price"]))
    quote = Quote(
        last=last,
        bid=_number(fields, "bid") or last,
        ask=_number(fields, "ask") or last,
        quantity=_number(fields, "quantity"),
        levels=int(fields.get("levels", 1)),
        step=_number(fields, "step") or ZERO,
        mark=_number(fields, "mark"),
        index=_number(fields, "index"),
    )
    for listed in _meant(venue, fields):
        house_trade(venue, venue.market(listed), quote)


def house_back(venue: Venue, fields: Asked) -> None:
    """Let the house offer again what it offered before an order met a thin market."""
    market = venue.market(_meant(venue, fields)[0])
    house_trade(venue, market, market.quote)


def house_leave(venue: Venue, fields: Asked) -> None:
    """Leave the market to the orders that rest in it."""
    for listed in _meant(venue, fields):
        venue.market(listed).book.house_leave()
        venue.touched_markets.add(listed.key)


def trade(venue: Venue, fields: Asked) -> None:
    """Let somebody trade a quantity at a price: resting orders up to there fill, no more."""
    for listed in _meant(venue, fields):
        market = venue.market(listed)
        _somebody(venue, market, fields)
        after_trading(venue, market)


def _somebody(venue: Venue, market: Market, fields: Asked) -> None:
    side = Side(str(fields.get("side", "SELL")).upper())
    outcome = market.book.submit(
        order_id=f"somebody-{venue.next_sequence()}",
        owner=HOUSE,
        side=side,
        quantity=Decimal(str(fields["quantity"])),
        limit_price=Decimal(str(fields["price"])),
        time_in_force=TimeInForce.IOC,
    )
    executions_apply(venue, market, outcome.executions)
    venue.touched_markets.add(market.instrument.key)


def coin(venue: Venue, fields: Asked) -> None:
    """Set what the account has of a coin."""
    venue.account.coins[fields["coin"]] = Decimal(str(fields["amount"]))
    venue.wallet_touched = True


def funding(venue: Venue, fields: Asked) -> None:
    """Let the holders of a symbol pay each other: longs pay where the rate is above 0."""
    rate = Decimal(str(fields["rate"]))
    [listed] = _meant(venue, {**fields, "category": "linear"})
    market = venue.market(listed)
    market.fundings.append(
        {
            "symbol": listed.symbol,
            "fundingRate": text(rate),
            "fundingRateTimestamp": str(venue.now_ms()),
        }
    )
    for idx in venue.account.indexes(listed.symbol):
        position = venue.account.position(listed, idx)
        if position.size:
            fee = position.size * market.mark * rate
            realize(venue, position, -fee)
            _funding_rows(venue, listed, size=position.size, rate=rate, fee=fee)


def _funding_rows(
    venue: Venue, listed: Instrument, *, size: Decimal, rate: Decimal, fee: Decimal
) -> None:
    mark = venue.market(listed).mark
    side = "Buy" if size > 0 else "Sell"
    order_id, trade_id = venue.next_id(listed), venue.next_id(listed)
    quantity = places(abs(size), listed.step)
    row: Row = {
        **execution_words(listed, mark),
        "orderType": "UNKNOWN",
        "orderLinkId": "",
        "side": side,
        "orderId": order_id,
        "stopOrderType": "UNKNOWN",
        "leavesQty": "0",
        "execTime": str(venue.now_ms()),
        "feeCurrency": "",
        "isMaker": False,
        "execFee": text(fee),
        "feeRate": text(rate),
        "execId": trade_id,
        "execPrice": text(mark),
        "orderQty": "0",
        "orderPrice": "0",
        "execValue": text(abs(size) * mark),
        "execType": "Funding",
        "execQty": quantity,
        "closedSize": "",
        "seq": venue.sequence,
    }
    venue.account.executions.append(row)
    streamed = {**row, "category": "linear", "isLeverage": "0", "marketUnit": "", "execPnl": "0"}
    venue.changes.append(Change("execution", {**streamed, "createType": "", "extraFees": []}))
    transaction_record(
        venue,
        listed,
        coin=listed.quote,
        funding=-fee,
        words={
            "side": side,
            "orderLinkId": "",
            "orderId": order_id,
            "tradeId": trade_id,
            "tradePrice": text(mark),
            "qty": quantity,
            "feeRate": text(rate),
            "type": "SETTLEMENT",
        },
    )
