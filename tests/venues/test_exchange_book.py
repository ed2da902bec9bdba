"""The order book does what a trader expects of each kind of order."""

from decimal import Decimal

import pytest

from tests.venues.exchange import (
    BookRefusal,
    BookStatus,
    CancelReason,
    OrderBook,
    Outcome,
    Side,
    TimeInForce,
    Trigger,
    TriggerBook,
)

D = Decimal


@pytest.fixture
def book() -> OrderBook:
    return OrderBook("BTCUSDT")


def submit(
    book: OrderBook,
    order_id: str,
    side: str,
    quantity: str,
    price: str | None = None,
    terms: str = "GTC",
    *,
    owner: str = "someone",
) -> Outcome:
    return book.submit(
        order_id=order_id,
        owner=owner,
        side=Side(side),
        quantity=D(quantity),
        limit_price=D(price) if price else None,
        time_in_force=TimeInForce(terms),
    )


def trades(outcome: Outcome) -> list[tuple[str, str, str]]:
    """Return who rested, how much and where."""
    return [(e.maker.order_id, str(e.quantity), str(e.price)) for e in outcome.executions]


def test_better_price_trades_first_and_then_the_older_order(book: OrderBook) -> None:
    submit(book, "worse", "SELL", "1", "102")
    submit(book, "old", "SELL", "1", "101")
    submit(book, "new", "SELL", "1", "101")
    taken = submit(book, "taker", "BUY", "2.5", "102")
    assert trades(taken) == [("old", "1", "101"), ("new", "1", "101"), ("worse", "0.5", "102")]
    assert taken.order.average_price == D("101.2")
    assert book.orders["worse"].status is BookStatus.PARTIALLY_FILLED
    assert book.last == D(102)


def test_rest_of_a_limit_order_waits_at_its_price(book: OrderBook) -> None:
    submit(book, "maker", "SELL", "1", "100")
    submit(book, "taker", "BUY", "3", "100")
    assert book.depth(Side.BUY, 5) == [(D(100), D(2))]
    assert book.best(Side.SELL) is None


@pytest.mark.parametrize(
    ("terms", "price", "reason", "filled"),
    [
        ("GTC", None, CancelReason.NO_MORE_TO_TAKE, "1"),
        ("IOC", "100", CancelReason.NO_MORE_TO_TAKE, "1"),
        ("FOK", "100", CancelReason.NOT_IN_FULL, "0"),
        ("FOK", None, CancelReason.NOT_IN_FULL, "0"),
        ("POST_ONLY", "100", CancelReason.WOULD_TAKE, "0"),
    ],
)
def test_order_that_may_not_wait_ends_and_says_why(
    book: OrderBook, terms: str, price: str | None, reason: CancelReason, filled: str
) -> None:
    submit(book, "maker", "SELL", "1", "100")
    order = submit(book, "taker", "BUY", "2", price, terms).order
    assert (order.cancel_reason, order.filled, order.leaves) == (reason, D(filled), D(0))
    assert book.depth(Side.BUY, 1) == []


def test_fill_or_kill_over_several_levels_fills_in_full(book: OrderBook) -> None:
    submit(book, "a", "SELL", "1", "100")
    submit(book, "b", "SELL", "1", "101")
    assert trades(submit(book, "taker", "BUY", "2", "101", "FOK")) == [
        ("a", "1", "100"),
        ("b", "1", "101"),
    ]


def test_post_only_order_waits_where_nothing_would_trade(book: OrderBook) -> None:
    submit(book, "maker", "SELL", "1", "100")
    assert submit(book, "quiet", "BUY", "1", "99", "POST_ONLY").order.status is BookStatus.NEW


def test_less_quantity_keeps_the_place_in_time_and_more_loses_it(book: OrderBook) -> None:
    submit(book, "first", "SELL", "3", "100")
    submit(book, "second", "SELL", "1", "100")
    book.amend(order_id="first", quantity=D(2))
    assert trades(submit(book, "t1", "BUY", "1")) == [("first", "1", "100")]
    book.amend(order_id="first", quantity=D(3))
    assert trades(submit(book, "t2", "BUY", "1")) == [("second", "1", "100")]


def test_change_of_price_may_trade_at_once(book: OrderBook) -> None:
    submit(book, "maker", "SELL", "1", "100")
    submit(book, "bid", "BUY", "1", "90")
    assert trades(book.amend(order_id="bid", limit_price=D(105))) == [("maker", "1", "100")]


def test_post_only_order_that_is_moved_across_ends(book: OrderBook) -> None:
    submit(book, "maker", "SELL", "1", "100")
    submit(book, "bid", "BUY", "1", "90", "POST_ONLY")
    moved = book.amend(order_id="bid", limit_price=D(100)).order
    assert moved.cancel_reason is CancelReason.WOULD_TAKE


def test_canceled_order_leaves_the_book_with_what_it_had_filled(book: OrderBook) -> None:
    submit(book, "bid", "BUY", "2", "100")
    submit(book, "taker", "SELL", "0.5")
    order = book.cancel("bid")
    assert (order.status, order.filled, order.leaves) == (BookStatus.CANCELED, D("0.5"), D(0))
    assert book.open_orders() == []


@pytest.mark.parametrize("order_id", ["unknown", "filled", "canceled"])
def test_only_open_orders_change_or_end(book: OrderBook, order_id: str) -> None:
    submit(book, "filled", "BUY", "1", "100")
    submit(book, "taker", "SELL", "1")
    submit(book, "canceled", "BUY", "1", "100")
    book.cancel("canceled")
    with pytest.raises(BookRefusal, match=f"{order_id} is not open"):
        book.cancel(order_id)
    with pytest.raises(BookRefusal, match=f"{order_id} is not open"):
        book.amend(order_id=order_id, quantity=D(5))


def test_total_may_not_be_changed_to_what_is_filled_already(book: OrderBook) -> None:
    submit(book, "bid", "BUY", "2", "100")
    submit(book, "taker", "SELL", "1")
    with pytest.raises(BookRefusal, match="1 are filled"):
        book.amend(order_id="bid", quantity=D(1))
    assert book.orders["bid"].leaves == 1


def test_id_is_used_once(book: OrderBook) -> None:
    submit(book, "bid", "BUY", "2", "100")
    with pytest.raises(BookRefusal, match="bid was used before"):
        submit(book, "bid", "BUY", "2", "100")


@pytest.mark.parametrize(("quantity", "price"), [("0", "1"), ("-1", "1"), ("1", "-1")])
def test_numbers_must_be_positive(book: OrderBook, quantity: str, price: str) -> None:
    with pytest.raises(BookRefusal, match="must be above 0"):
        submit(book, "bid", "BUY", quantity, price)
    assert book.orders == {}


def test_house_takes_what_its_price_reaches_at_the_price_of_the_order(book: OrderBook) -> None:
    submit(book, "reached", "BUY", "5", "101")
    submit(book, "touched", "BUY", "5", "100")
    submit(book, "beyond", "BUY", "5", "99")
    executions = book.house_quote(last=D(100))
    assert [(e.maker.order_id, e.price, e.quantity) for e in executions] == [
        ("reached", D(101), D(5)),
        ("touched", D(100), D(5)),
    ]
    assert book.open_orders() == [book.orders["beyond"]]
    assert book.last == D(100)


def test_endless_house_fills_any_quantity_and_stays(book: OrderBook) -> None:
    book.house_quote(last=D(100))
    for number in range(3):
        taken = submit(book, f"t{number}", "BUY", "5000000")
        assert taken.order.status is BookStatus.FILLED
    assert book.quantity_available(side=Side.SELL) == Decimal("Infinity")


def test_limited_house_leaves_the_rest_waiting(book: OrderBook) -> None:
    book.house_quote(last=D(100), quantity=D(2), levels=2, step=D(1))
    taken = submit(book, "taker", "BUY", "5", "101").executions
    assert [(e.quantity, e.price) for e in taken] == [(D(2), D(100)), (D(2), D(101))]
    assert book.orders["taker"].leaves == 1


def test_new_house_price_replaces_the_old(book: OrderBook) -> None:
    book.house_quote(last=D(100))
    book.house_quote(last=D(110), bid=D(109), ask=D(111))
    assert (book.best(Side.BUY), book.best(Side.SELL), book.last) == (D(109), D(111), D(110))


def test_money_is_turned_into_quantity_by_walking_the_book(book: OrderBook) -> None:
    submit(book, "a", "SELL", "1", "100")
    submit(book, "b", "SELL", "5", "200")
    assert book.quantity_for(side=Side.BUY, notional=D(500)) == D(3)
    assert book.quantity_for(side=Side.BUY, notional=D(5000)) == D(6)
    assert book.quantity_for(side=Side.SELL, notional=D(500)) == 0


def test_triggers_wake_oldest_first_and_once() -> None:
    triggers = TriggerBook()
    triggers.add(Trigger("rise", D(110), rises=True))
    triggers.add(Trigger("fall", D(90), rises=False))
    triggers.add(Trigger("rise-more", D(105), rises=True))
    assert triggers.reached(D(100)) == []
    assert [t.order_id for t in triggers.reached(D(110))] == ["rise", "rise-more"]
    assert triggers.reached(D(110)) == []
    assert triggers.remove("fall") is True
    assert triggers.remove("fall") is False
    assert len(triggers) == 0
