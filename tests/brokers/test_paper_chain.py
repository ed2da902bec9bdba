"""Every order type from intent to ledger: the desk's books and the paper venue's tell the same.

Each case is played twice, as a buy and, with all prices mirrored at 100, as a sell.
"""

from typing import Any

import pytest

from apps.accounts.models import TradingAccount
from apps.brokers.models import PaperBook
from apps.brokers.paper.gateway import PaperGateway
from apps.marketdata.models import Instrument
from apps.orders.domain.types import (
    OrderAmendment,
    OrderRole,
    OrderType,
    Side,
    TimeInForce,
)
from apps.orders.models import Fill, Order
from apps.orders.services import (
    order_amend_request,
    order_cancel_request,
)
from apps.positions.models import Position
from apps.positions.services import deposit_book
from apps.reconciliation.services import report_take_in
from tests.brokers.builders import START, STEP, D
from tests.brokers.desk import Desk
from tests.orders.builders import STOP, TARGET

pytestmark = pytest.mark.django_db


@pytest.fixture(params=list(Side))
def desk(
    request: pytest.FixtureRequest,
    account: TradingAccount,
    instrument: Instrument,
    gateway: PaperGateway,
) -> Desk:
    deposit_book(
        account=account,
        amount=D(10_000),
        currency="USDT",
        source_id="start",
        occurred_at=START,
        description="Cash at the start",
    )
    return Desk(account, instrument, gateway, request.param)


LIMIT_98: dict[str, Any] = {"order_type": OrderType.LIMIT, "limit_price": 98}
LIMIT_101: dict[str, Any] = {"order_type": OrderType.LIMIT, "limit_price": 101}
STOP_LIMIT: dict[str, Any] = {
    "order_type": OrderType.STOP_LIMIT,
    "stop_price": 105,
    "limit_price": 106,
}
CASES: dict[str, tuple[dict[str, Any], list[str], str, list[int]]] = {
    "market": ({"order_type": OrderType.MARKET}, ["101 102 99 100"], "FILLED", [101]),
    "limit touched": (
        LIMIT_98,
        ["100 101 99 100", "100 101 98 99"],
        "FILLED",
        [98],
    ),
    "limit gapped": (
        LIMIT_98,
        ["100 101 99 99", "97 97 96 96"],
        "FILLED",
        [97],
    ),
    "limit missed": (
        LIMIT_98,
        ["100 101 99 99"],
        "NEW",
        [],
    ),
    "stop touched": (
        {"order_type": OrderType.STOP, "stop_price": 103},
        ["100 102 99 100", "100 104 99 100"],
        "FILLED",
        [103],
    ),
    "stop gapped": (
        {"order_type": OrderType.STOP, "stop_price": 103},
        ["104 105 103 104"],
        "FILLED",
        [104],
    ),
    "stop-limit touched": (STOP_LIMIT, ["100 107 99 106"], "FILLED", [105]),
    "stop-limit past its limit": (
        STOP_LIMIT,
        ["107 109 107 108", "108 108 106 107"],
        "FILLED",
        [106],
    ),
    "stop-limit only triggered": (
        {**STOP_LIMIT, "limit_price": 104},
        ["100 107 99 106", "106 107 105 105"],
        "NEW",
        [],
    ),
    "take-profit touched": (
        {"order_type": OrderType.TAKE_PROFIT, "stop_price": 97},
        ["100 101 98 99", "99 99 96 97"],
        "FILLED",
        [97],
    ),
    "take-profit gapped": (
        {"order_type": OrderType.TAKE_PROFIT, "stop_price": 97},
        ["96 98 95 96"],
        "FILLED",
        [96],
    ),
    "trailing stop moved and hit": (
        {"order_type": OrderType.TRAILING_STOP, "trail_amount": D(5)},
        ["100 100 97 98", "97 97 92 93", "93 98 93 97"],
        "FILLED",
        [97],
    ),
    "trailing stop waiting": (
        {"order_type": OrderType.TRAILING_STOP, "trail_amount": D(5)},
        ["100 100 97 98", "97 97 92 93"],
        "NEW",
        [],
    ),
    "IOC at the open": (
        {**LIMIT_101, "time_in_force": TimeInForce.IOC},
        ["100 101 99 100"],
        "FILLED",
        [100],
    ),
    "FOK too late": (
        {**LIMIT_98, "time_in_force": TimeInForce.FOK},
        ["100 101 97 100"],
        "CANCELED",
        [],
    ),
    "DAY over": (
        {**LIMIT_98, "time_in_force": TimeInForce.DAY, "expires_at": START + STEP},
        ["100 101 99 100", "97 97 97 97"],
        "EXPIRED",
        [],
    ),
    "GTD in time": (
        {**LIMIT_98, "time_in_force": TimeInForce.GTD, "expires_at": START + 2 * STEP},
        ["100 101 99 100", "97 97 97 97"],
        "FILLED",
        [97],
    ),
    "post-only at rest": (
        {**LIMIT_98, "post_only": True},
        ["100 101 98 99"],
        "FILLED",
        [98],
    ),
    "post-only taking": (
        {**LIMIT_101, "post_only": True},
        ["100 101 98 99"],
        "CANCELED",
        [],
    ),
    "reduce-only with nothing held": (
        {"order_type": OrderType.MARKET, "reduce_only": True},
        ["100 101 98 99"],
        "CANCELED",
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_order_comes_to_the_same_in_the_books_of_desk_and_venue(desk: Desk, case: str) -> None:
    terms, bars, status, filled_at = CASES[case]
    order = desk.send(**terms)
    desk.play(bars)
    order.refresh_from_db()
    assert order.status == status
    assert desk.fills(order) == [(D(4), D(price)) for price in filled_at]
    assert desk.books_agree()


def test_trailing_stop_by_ratio_is_followed_by_the_desk(desk: Desk) -> None:
    order = desk.send(order_type=OrderType.TRAILING_STOP, trail_ratio=D("0.1"))
    desk.play(["100 100 95 96", "96 97 90 91"])
    order.refresh_from_db()
    levels = [
        event.details["stop_price"]
        for event in order.events.filter(kind="order.terms_set_by_venue").order_by("sequence")
    ]
    # A tenth above the lowest price for the buyer, a tenth below the highest for the seller
    expected = {Side.BUY: ["104.5", "99"], Side.SELL: ["94.5", "99"]}
    assert levels == expected[desk.side]
    assert order.stop_price == D(levels[-1])
    assert desk.books_agree()


@pytest.mark.parametrize("time_in_force", [TimeInForce.GTC, TimeInForce.IOC])
def test_partial_fills_come_to_the_same(desk: Desk, time_in_force: TimeInForce) -> None:
    PaperBook.objects.update(volume_cap_ratio=D("0.003"))
    order = desk.send(order_type=OrderType.STOP, stop_price=103, time_in_force=time_in_force)
    desk.play(["100 104 99 104"])
    order.refresh_from_db()
    is_over = time_in_force is TimeInForce.IOC
    assert order.status == ("CANCELED" if is_over else "PARTIALLY_FILLED")
    assert desk.books_agree()
    desk.play(["105 106 104 104"], first=1)
    rest = [] if is_over else [(D(1), D(105))]
    assert desk.fills(order) == [(D(3), D(103)), *rest]
    assert desk.books_agree()


@pytest.mark.parametrize(
    ("last", "role"), [("100 102 99 100", "STOP_LOSS"), ("110 111 109 110", "TAKE_PROFIT")]
)
def test_exits_of_a_stop_limit_entry_come_to_the_same(desk: Desk, last: str, role: str) -> None:
    entry = desk.send(**STOP_LIMIT, exits=(STOP, TARGET))
    desk.play(["107 109 107 108", "107 107 106 107", last])
    entry.refresh_from_db()
    assert desk.fills(entry) == [(D(4), D(106))]
    assert [exit_order.role for exit_order in entry.exits.filter(status="FILLED")] == [role]
    assert Position.objects.get().quantity == 0
    assert desk.books_agree()


def test_reduce_only_order_closes_the_position_and_no_more(desk: Desk) -> None:
    desk.send("open", order_type=OrderType.MARKET)
    desk.play(["100 100 100 100"])
    closing = desk.send(
        "close",
        at=START + STEP,
        side=desk.side.opposite,
        role=OrderRole.EXIT,
        order_type=OrderType.STOP,
        stop_price=98,
        quantity=D(9),
        reduce_only=True,
    )
    desk.play(["100 101 97 99", "99 99 97 97"], first=1)
    closing.refresh_from_db()
    assert (closing.status, closing.filled_quantity) == ("CANCELED", D(4))
    assert Position.objects.get().quantity == 0
    assert desk.books_agree()


def test_amended_order_works_on_its_new_terms_in_both_books(desk: Desk) -> None:
    order = desk.send(**STOP_LIMIT)
    desk.play(["100 101 99 100"])
    terms: dict[str, Any] = {
        "quantity": D(6),
        "stop_price": desk.price(D(103)),
        "limit_price": desk.price(D(104)),
    }
    order_amend_request(order=order, reason="the market has calmed", **terms)
    amendment = OrderAmendment(
        client_order_id=order.client_order_id, symbol=desk.instrument.symbol, **terms
    )
    report = desk.gateway.order_amend(amendment)
    assert report_take_in(account=desk.account, report=report)
    desk.play(["100 104 99 100"], first=1)
    order.refresh_from_db()
    assert (order.status, desk.fills(order)) == ("FILLED", [(D(6), D(103))])
    assert desk.books_agree()


def test_cancel_all_ends_every_order_in_both_books(desk: Desk) -> None:
    orders = [
        desk.send("limit", order_type=OrderType.LIMIT, limit_price=90),
        desk.send("stop-limit", **STOP_LIMIT),
        desk.send("trail", order_type=OrderType.TRAILING_STOP, trail_amount=D(5)),
    ]
    desk.play(["100 101 99 100"])
    for order in orders:
        assert order_cancel_request(order=order, reason="halted")
    assert desk.gateway.order_cancel_all() == 3
    desk.take_in()
    assert {order.status for order in Order.objects.all()} == {"CANCELED"}
    desk.play(["50 200 1 150"], first=1)
    assert not Fill.objects.exists()
    assert desk.books_agree()
