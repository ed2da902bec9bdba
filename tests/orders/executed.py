"""Orders with everything that measuring reads, so that a test names what matters to it."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.accounts.models import TradingAccount
from apps.marketdata.models import Instrument
from apps.orders.models import Order
from tests.factories.orders import (
    FillFactory,
    OrderEventFactory,
    OrderFactory,
    OrderQuoteFactory,
)

START = datetime(2026, 1, 5, tzinfo=UTC)
D = Decimal
PRICE = D(100)


def executed(
    *,
    at: datetime = START,
    price: str | None = "101",
    quantity: str = "10",
    filled: str | None = None,
    commission: str = "1",
    commission_currency: str = "USDT",
    seen: dict[str, str | None] | None = None,
    steps: dict[str, int] | None = None,
    **fields: Any,
) -> Order:
    """Store a sent order that has ended.

    Args:
        price: Of its one fill; None: nothing filled.
        filled: Units of that fill; None: all.
        seen: Last price by moment, shown half a point around; None: nobody looked.
        steps: Milliseconds after 2026-01-05 at which each event was recorded.
    """
    units = D(0) if price is None else D(filled or quantity)
    whole = units == D(quantity)
    order = OrderFactory(
        **{
            "quantity": D(quantity),
            "filled_quantity": units,
            "average_fill_price": None if price is None else D(price),
            "status": "FILLED" if whole else "CANCELED",
            "decided_at": at,
            "sent_at": at,
            "closed_at": at + timedelta(minutes=1),
            **fields,
        }
    )
    shown = {"DECISION": "100", "SUBMIT": "100", **(seen or {})}
    for moment in ("DECISION", "SUBMIT", "END"):
        _quote(order, moment, shown.get(moment))
    for sequence, (kind, milliseconds) in enumerate((steps or {}).items(), start=1):
        OrderEventFactory(
            order=order,
            sequence=sequence,
            kind=kind,
            recorded_at=START + timedelta(milliseconds=milliseconds),
        )
    if price is not None:
        fill = FillFactory(
            order=order,
            quantity=units,
            price=D(price),
            commission=D(commission),
            commission_currency=commission_currency,
            executed_at=at,
        )
        _quote(order, "FILL", shown.get("FILL"), fill=fill)
    return order


def _quote(order: Order, moment: str, last: str | None, **fields: Any) -> None:
    if last is not None:
        price = D(last)
        OrderQuoteFactory(
            order=order,
            moment=moment,
            bid=price - D("0.5"),
            ask=price + D("0.5"),
            last=price + 3,
            **fields,
        )


def mixed(
    rng: random.Random, account: TradingAccount, instruments: list[Instrument], number: int
) -> Order:
    """Store an order of any kind, with holes in what is known of it."""

    def price() -> str:
        return str(PRICE + rng.randint(-500, 500) * D("0.01"))

    def maybe(value: str, likelihood: float = 0.8) -> str | None:
        return value if rng.random() < likelihood else None

    quantity = rng.randint(1, 50)
    filled = rng.choice([0, quantity, quantity, rng.randint(1, quantity)])
    kind = rng.choice(["MARKET", "MARKET", "LIMIT", "STOP", "TRAILING_STOP"])
    moments = ("DECISION", "SUBMIT", "END", "FILL")
    begun = rng.randint(0, 1000)
    steps = {"order.intended": begun, "order.claimed": begun + rng.randint(1, 90)}
    if filled or rng.random() < 0.5:
        steps["order.accepted"] = steps["order.claimed"] + rng.randint(1, 400)
    if filled:
        steps["order.filled"] = begun + rng.randint(500, 900)
    return executed(
        at=START + timedelta(minutes=7 * number),
        account=account,
        instrument=rng.choice(instruments),
        side=rng.choice(["BUY", "SELL"]),
        order_type=kind,
        role=rng.choice(["ENTRY", "EXIT", "STOP_LOSS"]),
        limit_price=D(price()) if kind == "LIMIT" else None,
        stop_price=D(price()) if kind == "STOP" else None,
        quantity=str(quantity),
        filled=str(filled),
        price=price() if filled else None,
        commission=str(rng.randint(-3, 9)),
        commission_currency=rng.choice(["USDT", "USDT", "USDT", "BTC"]),
        seen={moment: maybe(price()) for moment in moments},
        steps=steps,
    )
