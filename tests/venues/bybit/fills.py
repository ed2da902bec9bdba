"""Books one execution: fee, position, coins, and the rows that tell of it later."""

from dataclasses import dataclass
from decimal import Decimal

from tests.venues.bybit.accounts import Position
from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.orders import VenueOrder
from tests.venues.bybit.replies import Row, places, text
from tests.venues.bybit.venue import Change, Venue
from tests.venues.exchange import Execution

ZERO = Decimal(0)
TAKER = {"linear": Decimal("0.00055"), "spot": Decimal("0.001")}
MAKER = {"linear": Decimal("0.0002"), "spot": Decimal("0.001")}
# By who made the order, where it was neither the client nor an exit of the client's.
EXECUTION_TYPES = {"CreateByLiq": "BustTrade", "CreateByAdl_PassThrough": "AdlTrade"}


@dataclass(frozen=True)
class Booked:
    """What one side of a trade came to.

    Attributes:
        fee: In ``coin``; above 0 it is paid.
        profit: Of what it closed, before fees.
    """

    price: Decimal
    quantity: Decimal
    is_maker: bool
    rate: Decimal
    fee: Decimal
    coin: str
    closed: Decimal = ZERO
    profit: Decimal = ZERO

    @property
    def value(self) -> Decimal:
        return self.price * self.quantity


def fill_record(venue: Venue, order: VenueOrder, execution: Execution, *, is_maker: bool) -> None:
    """Book the account's side of a trade."""
    listed = order.instrument
    rate = (MAKER if is_maker else TAKER)[listed.category]
    booked = _book(venue, order, execution, is_maker=is_maker, rate=rate)
    order.filled += booked.quantity
    order.filled_value += booked.value
    order.fees[booked.coin] = order.fees.get(booked.coin, ZERO) + booked.fee
    order.closed_pnl += booked.profit
    row = _execution_row(venue, order, booked)
    venue.account.executions.append(row)
    venue.changes.append(Change("execution", _stream_row(order, row, booked)))
    venue.wallet_touched = True
    _log(venue, order, booked, row["execId"])
    if booked.closed:
        _closed_record(venue, order, booked)


def _book(
    venue: Venue, order: VenueOrder, execution: Execution, *, is_maker: bool, rate: Decimal
) -> Booked:
    listed, account = order.instrument, venue.account
    price, quantity = execution.price, execution.quantity
    signed = quantity if order.side == "Buy" else -quantity
    if listed.is_linear:
        position = account.position(listed, order.position_idx)
        closed, profit = position.change(signed, price)
        fee = price * quantity * rate
        realize(venue, position, profit - fee)
        return Booked(price, quantity, is_maker, rate, fee, listed.quote, closed, profit)
    coin = listed.base if order.side == "Buy" else listed.quote
    fee = rate * (quantity if order.side == "Buy" else quantity * price)
    account.add(listed.base, signed)
    account.add(listed.quote, -signed * price)
    account.add(coin, -fee)
    return Booked(price, quantity, is_maker, rate, fee, coin)


def realize(venue: Venue, position: Position, amount: Decimal) -> None:
    """Pay a realized amount into the wallet and note it with the position."""
    coin = position.instrument.quote
    venue.account.add(coin, amount)
    venue.account.realized[coin] = venue.account.realized.get(coin, ZERO) + amount
    position.realized += amount
    position.realized_in_all += amount
    position.updated_ms = venue.now_ms()
    position.seq = venue.next_sequence()
    venue.touched_positions.add((position.instrument.symbol, position.idx))
    venue.wallet_touched = True


def _execution_row(venue: Venue, order: VenueOrder, booked: Booked) -> Row:
    listed = order.instrument
    return {
        **execution_words(listed, venue.market(listed).mark),
        "orderType": order.order_type,
        "orderLinkId": order.link_id,
        "side": order.side,
        "orderId": order.order_id,
        "stopOrderType": order.stop_order_type or "UNKNOWN",
        "leavesQty": places((order.entered or order.quantity) - order.filled, listed.step),
        "execTime": str(venue.now_ms()),
        "feeCurrency": booked.coin if not listed.is_linear else "",
        "isMaker": booked.is_maker,
        "execFee": text(booked.fee),
        "feeRate": text(booked.rate),
        "execId": venue.next_id(listed),
        "execPrice": text(booked.price),
        "orderQty": text(order.quantity),
        "orderPrice": text(order.price, none="0"),
        "execValue": text(booked.value),
        "execType": EXECUTION_TYPES.get(order.create_type, "Trade"),
        "execQty": places(booked.quantity, listed.step),
        "closedSize": text(booked.closed) if booked.closed else "",
        "seq": venue.sequence,
    }


def execution_words(listed: Instrument, mark: Decimal) -> Row:
    """Return the fields of an execution that say nothing here."""
    return {
        "symbol": listed.symbol,
        "underlyingPrice": "",
        "indexPrice": "",
        "tradeIv": "",
        "blockTradeId": "",
        "markPrice": text(mark) if listed.is_linear else "",
        "markIv": "",
        "extraFees": "",
    }


def _stream_row(order: VenueOrder, row: Row, booked: Booked) -> Row:
    return {
        **row,
        "category": order.instrument.category,
        "isLeverage": "0",
        "marketUnit": order.market_unit,
        "execPnl": text(booked.profit),
        "createType": order.create_type,
        "extraFees": [],
        "feeCurrency": booked.coin,
    }


def _log(venue: Venue, order: VenueOrder, booked: Booked, trade_id: str) -> None:
    listed = order.instrument
    if listed.is_linear:
        flows = [(listed.quote, booked.profit, booked.fee)]
    else:
        sign = 1 if order.side == "Buy" else -1
        flows = [
            (coin, flow, booked.fee if coin == booked.coin else ZERO)
            for coin, flow in (
                (listed.base, sign * booked.quantity),
                (listed.quote, -sign * booked.value),
            )
        ]
    for coin, flow, fee in flows:
        transaction_record(
            venue,
            listed,
            coin=coin,
            cash_flow=flow,
            fee=fee,
            words={
                "side": order.side,
                "orderLinkId": order.link_id,
                "orderId": order.order_id,
                "tradeId": trade_id,
                "tradePrice": text(booked.price),
                "qty": text(booked.quantity),
                "feeRate": text(booked.rate),
                "type": "TRADE",
            },
        )


def transaction_record(
    venue: Venue,
    listed: Instrument,
    *,
    coin: str,
    words: Row,
    cash_flow: Decimal = ZERO,
    fee: Decimal = ZERO,
    funding: Decimal | None = None,
) -> None:
    """Add a row of the transaction log; its change is flow and funding less the fee."""
    change = cash_flow + (funding or ZERO) - fee
    venue.account.transactions.append(
        {
            "id": f"{venue.next_sequence()}_{listed.symbol}",
            "transSubType": "",
            "symbol": listed.symbol,
            "category": listed.category,
            "currency": coin,
            "cashFlow": text(cash_flow),
            "funding": "" if funding is None else text(funding),
            "fee": text(fee),
            "change": text(change),
            "cashBalance": text(venue.account.coins.get(coin, ZERO)),
            "transactionTime": str(venue.now_ms()),
            "size": text(abs(_size(venue, listed))),
            "bonusChange": "",
            "extraFees": "",
            **words,
        }
    )


def _size(venue: Venue, listed: Instrument) -> Decimal:
    if not listed.is_linear:
        return ZERO
    indexes = venue.account.indexes(listed.symbol)
    return sum((venue.account.position(listed, idx).size for idx in indexes), ZERO)


def _closed_record(venue: Venue, order: VenueOrder, booked: Booked) -> None:
    """Add to the order's row of closed profits: prices there are means, net of fees."""
    sign = 1 if order.side == "Sell" else -1
    entry = booked.price - sign * booked.profit / booked.closed
    account = venue.account
    row = next((each for each in account.closed if each["orderId"] == order.order_id), None)
    sums = {name: Decimal(row[name]) if row else ZERO for name in _SUMS}
    sums["closedSize"] += booked.closed
    sums["cumEntryValue"] += entry * booked.closed
    sums["cumExitValue"] += booked.price * booked.closed
    sums["closedPnl"] += booked.profit - booked.fee
    sums["fillCount"] += 1
    changed = {
        **{name: text(value) for name, value in sums.items()},
        "symbol": order.instrument.symbol,
        "orderType": order.order_type,
        "leverage": text(account.leverage(order.instrument.symbol)),
        "updatedTime": str(venue.now_ms()),
        "side": order.side,
        "orderId": order.order_id,
        "avgEntryPrice": text(sums["cumEntryValue"] / sums["closedSize"]),
        "avgExitPrice": text(sums["cumExitValue"] / sums["closedSize"]),
        "qty": text(order.quantity),
        "createdTime": str(order.created_ms),
        "orderPrice": text(order.price, none="0"),
        "execType": "Trade",
    }
    if row:
        row.update(changed)
    else:
        account.closed.append(changed)


_SUMS = ("closedSize", "cumEntryValue", "cumExitValue", "closedPnl", "fillCount")
