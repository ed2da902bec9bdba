"""What bounds the price of a deployment's orders, and what becomes of the part that rests."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from apps.core.clock import wall_now
from apps.execution.runner import TickResult
from apps.marketdata.models import Quote
from apps.orders.models import Order, OrderEvent
from apps.risk.models import LimitKind
from apps.strategies.models import DeploymentClosing
from apps.strategies.services import closing_request
from tests.execution.chain import account_open, deployment_running, play, statuses
from tests.execution.live_desk import DAY, LiveDesk, live_desk
from tests.factories.risk import RiskLimitFactory

pytestmark = pytest.mark.django_db
D = Decimal
BOUNDED = {"maximum_slippage_bps": D(10)}
COLLARED = {"turns_market_into_limit": True, "collar_bps": D(50)}
WITHOUT_IOC = ["GTC", "DAY"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[LiveDesk]:
    """A deployment that may pay 10 bps over the close."""
    with live_desk(tmp_path, settings=BOUNDED) as running:
        yield running


@pytest.fixture
def resting(tmp_path: Path) -> Iterator[LiveDesk]:
    """The same where the venue has no IOC."""
    with live_desk(tmp_path, settings=BOUNDED, times=WITHOUT_IOC) as running:
        yield running


@pytest.fixture
def barred(tmp_path: Path) -> Iterator[LiveDesk]:
    """A collar of 50 bps on a venue that takes no market order from programs."""
    with live_desk(tmp_path, settings=COLLARED, takes_market=False) as running:
        yield running


def terms_sent(desk: LiveDesk) -> list[tuple[str, str, str | None, str]]:
    """Side, type, limit price and time in force of every order on the wire."""
    return [
        (asked["side"], asked["order_type"], asked.get("limit_price"), asked["time_in_force"])
        for asked in desk.sent()
    ]


def test_an_entry_with_a_maximum_slippage_is_an_ioc_limit_at_the_worst_price(
    desk: LiveDesk,
) -> None:
    desk.bar("100.25")
    assert terms_sent(desk) == [("BUY", "LIMIT", "100.35", "IOC")]
    assert desk.held() == 10
    desk.assert_books_hold()


def test_the_rest_of_an_ioc_entry_is_given_up_at_once(desk: LiveDesk) -> None:
    desk.price(100, ask="100.10", liquidity=4)
    desk.bar("100.25")
    desk.tick()
    assert desk.held() == 4
    assert desk.working() == 0
    desk.bar("101.00")
    assert len(desk.sent()) == 1
    desk.assert_books_hold()


def test_a_market_beyond_the_worst_price_is_not_followed(desk: LiveDesk) -> None:
    desk.price("100.40")
    desk.bar("100.25")
    desk.tick()
    assert [desk.held(), desk.working()] == [0, 0]
    assert desk.orders()[0][2] in ("CANCELED", "EXPIRED")


def test_an_exit_is_not_bound_by_the_maximum_slippage(desk: LiveDesk) -> None:
    desk.bar("100.25")
    desk.price(90)
    desk.bar("100.75")
    assert terms_sent(desk)[1] == ("SELL", "MARKET", None, "GTC")
    assert desk.held() == 0
    desk.assert_books_hold()


def test_without_ioc_the_entry_is_a_day_order_taken_back_at_the_next_bar(
    resting: LiveDesk,
) -> None:
    resting.price("100.40")
    resting.bar("100.25")
    assert terms_sent(resting) == [("BUY", "LIMIT", "100.35", "DAY")]
    assert resting.working() == 1
    resting.bar("101.00")
    assert [resting.working(), resting.held()] == [0, 0]
    assert resting.orders() == [("ENTRY", "BUY", "CANCELED")]
    asked = OrderEvent.objects.get(kind="order.cancel_requested")
    assert "the rest of a bounded entry is given up" in str(asked.details)
    assert len(resting.sent()) == 1
    resting.assert_books_hold()


def test_what_an_entry_has_filled_is_kept_when_its_rest_is_given_up(resting: LiveDesk) -> None:
    resting.price("100.40")
    resting.bar("100.25")
    resting.fill(resting.newest(), 4, "100.35")
    resting.bar("101.00")
    assert [resting.working(), resting.held()] == [0, 4]
    resting.assert_books_hold()


def test_a_fill_that_crosses_the_taking_back_is_booked(resting: LiveDesk) -> None:
    resting.price("100.40")
    resting.bar("100.25")
    resting.bar_arrive("101.00")
    resting.fill(resting.newest(), 10, "100.35")
    resting.settle()
    assert resting.orders() == [("ENTRY", "BUY", "FILLED")]
    assert resting.held() == 10
    resting.assert_books_hold()


def test_a_venue_that_knows_only_gtc_has_the_desk_end_a_deployments_order(tmp_path: Path) -> None:
    with live_desk(tmp_path, settings=BOUNDED, times=["GTC"]) as desk:
        desk.price("100.40")
        desk.bar("100.25")
        assert terms_sent(desk) == [("BUY", "LIMIT", "100.35", "GTC")]
        [entry] = Order.objects.all()
        assert (entry.time_in_force, entry.deployment) == ("DAY", desk.deployment)
        assert entry.expires_at is not None
        desk.settle()
        assert desk.working() == 1
        Order.objects.update(expires_at=wall_now() - timedelta(seconds=1))
        desk.settle()
        assert desk.working() == 0
        assert desk.orders() == [("ENTRY", "BUY", "CANCELED")]
        desk.assert_books_hold()


def test_a_programs_market_entry_is_denied_where_the_venue_takes_none(tmp_path: Path) -> None:
    with live_desk(tmp_path, takes_market=False) as desk:
        desk.bar("100.25")
        [(check, reason)] = desk.denials()
        assert check == "market_order_by_algo"
        assert "turns_market_into_limit" in reason
        assert desk.orders() == []
        assert desk.sent() == []


def test_it_enters_and_leaves_by_limits_inside_the_collar_where_the_deployment_allows(
    barred: LiveDesk,
) -> None:
    barred.price(100, bid="99.90", ask="100.20")
    barred.bar("100.25")
    barred.bar_arrive("100.75")
    barred.price(100, bid="99.90", ask="100.20")
    barred.settle()
    assert terms_sent(barred) == [
        ("BUY", "LIMIT", "100.7", "DAY"),
        ("SELL", "LIMIT", "99.45", "DAY"),
    ]
    assert barred.held() == 0
    barred.assert_books_hold()


def test_an_exit_that_did_not_fill_within_its_bar_is_priced_anew(barred: LiveDesk) -> None:
    barred.bar("100.25")
    assert barred.held() == 10
    # The venue's market has run away from what the desk still believes
    barred.venue.price(barred.instrument.symbol, 95)
    barred.bar("100.75")
    assert barred.working() == 1
    barred.price(95)
    Order.objects.filter(role="EXIT").update(decided_at=wall_now() - DAY)
    barred.bar("95.00")
    barred.settle()
    assert barred.orders() == [
        ("ENTRY", "BUY", "FILLED"),
        ("EXIT", "SELL", "CANCELED"),
        ("EXIT", "SELL", "FILLED"),
    ]
    assert {order_type for _, order_type, _, _ in terms_sent(barred)} == {"LIMIT"}
    assert {time for *_, time in terms_sent(barred)} == {"DAY"}
    assert barred.held() == 0
    assert not DeploymentClosing.objects.filter(done_at=None).exists()
    barred.assert_books_hold()


def test_an_exit_that_the_session_ended_is_priced_anew(barred: LiveDesk) -> None:
    barred.bar("100.25")
    barred.venue.price(barred.instrument.symbol, 95)
    barred.bar("100.75")
    barred.venue.control("session-end")
    barred.price(95)
    Order.objects.filter(role="EXIT").update(decided_at=wall_now() - DAY)
    barred.bar("95.00")
    barred.settle()
    assert [row[2] for row in barred.orders()] == ["FILLED", "EXPIRED", "FILLED"]
    assert barred.held() == 0
    barred.assert_books_hold()


def test_a_limit_is_not_priced_by_a_quote_that_the_bar_has_overtaken(barred: LiveDesk) -> None:
    Quote.objects.update(last=D(110), quoted_at=wall_now() - 2 * DAY)
    barred.bar("100.25")
    assert terms_sent(barred) == [("BUY", "LIMIT", "100.75", "DAY")]


def prices_stand_still(desk: LiveDesk) -> None:
    """Let the newest price be five minutes old, where a minute is allowed."""
    RiskLimitFactory(account=desk.account, kind=LimitKind.PRICE_AGE, value=D(60))
    Quote.objects.update(quoted_at=wall_now() - timedelta(minutes=5))


@pytest.mark.parametrize("name", ["desk", "barred"])
def test_an_old_price_denies_an_entry(request: pytest.FixtureRequest, name: str) -> None:
    desk: LiveDesk = request.getfixturevalue(name)
    prices_stand_still(desk)
    desk.bar("100.25")
    assert [check for check, _ in desk.denials()] == ["stale_price"]
    assert desk.sent() == []


@pytest.mark.parametrize("name", ["desk", "barred"])
def test_an_old_price_keeps_nobody_in(request: pytest.FixtureRequest, name: str) -> None:
    desk: LiveDesk = request.getfixturevalue(name)
    desk.bar("100.25")
    assert desk.held() == 10
    prices_stand_still(desk)
    closing_request(deployment=desk.deployment, instrument=desk.instrument, reason="enough")
    desk.settle()
    assert desk.held() == 0
    assert desk.denials() == []


def test_a_bound_beyond_the_collar_of_the_risk_limits_is_denied(tmp_path: Path) -> None:
    with live_desk(tmp_path, settings={"maximum_slippage_bps": D(200)}) as desk:
        RiskLimitFactory(account=desk.account, kind=LimitKind.PRICE_COLLAR, value=D(100))
        assert desk.bar("100.25") is TickResult.DONE
        assert [check for check, _ in desk.denials()] == ["price_collar"]
        assert desk.sent() == []


def test_on_paper_a_jump_beyond_the_bound_is_not_followed_and_a_small_one_is() -> None:
    account = account_open()
    for name, opens, status in (("wild", "104", "CANCELED"), ("calm", "100.30", "FILLED")):
        deployment = deployment_running(account=account, name=name, settings=BOUNDED)
        play(deployment, "100.25")
        play(deployment, opens, opens, first=1)
        assert statuses(deployment) == [("ENTRY", "BUY", status)], name
