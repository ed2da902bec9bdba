"""A trader looks at what executions cost, on a wide screen and on a phone."""

import random
from datetime import timedelta

import pytest
from selenium.webdriver.support.ui import Select

from apps.accounts.models import Authenticator, TradingAccount, User
from apps.accounts.roles import Role
from apps.marketdata.services import candles_store
from apps.orders.models import Order
from tests.e2e.browser import Browser
from tests.factories.accounts import PASSWORD, TOTPDeviceFactory, TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.strategies import DeploymentFactory
from tests.marketdata.bars import bar
from tests.orders.executed import START, executed
from tests.sessions import person, totp_code

pytestmark = [pytest.mark.django_db(transaction=True)]
PAGE = "/execution-quality/"
ORDERS = 160


@pytest.fixture
def account(live_server: object) -> TradingAccount:
    return TradingAccountFactory(name="demo-test", broker="BYBIT", mode="TEST")


@pytest.fixture
def trader(account: TradingAccount) -> User:
    user = person(Role.TRADER, member_of=(account,), email="tara.trader@desk.example")
    TOTPDeviceFactory(user=user)
    return user


def day_of_orders(account: TradingAccount) -> None:
    """Orders of two strategies and a hand over some days: most cost a little, some gain."""
    rng = random.Random(11)
    instruments = [InstrumentFactory(symbol=f"BYBIT:{coin}USDT.P") for coin in ("BTC", "ETH")]
    deployments = [
        DeploymentFactory(
            name=f"demo-{name}", account=account, version__name=name, instruments=[instrument]
        )
        for name, instrument in zip(
            ("moving_average_cross", "bollinger_rsi"), instruments, strict=True
        )
    ]
    for instrument in instruments:
        bars = [
            bar(f"{100 + rng.gauss(0, 0.03):.2f}", at=START + n * timedelta(minutes=5))
            for n in range(288)
        ]
        candles_store(instrument=instrument, timeframe="5m", bars=bars)
    for number in range(ORDERS):
        _order(rng, account, (*deployments, None)[number % 3], instruments[number % 2], number)


def _order(
    rng: random.Random, account: TradingAccount, deployment: object, instrument: object, number: int
) -> Order:
    is_buy = rng.random() < 0.5
    cost = rng.gauss(0.04, 0.06)
    claimed = rng.randint(3, 30)
    accepted = claimed + int(rng.lognormvariate(3.6, 0.7)) + 1
    is_rejected = number % 40 == 7
    return executed(
        account=account,
        deployment=deployment,
        instrument=instrument,
        side="BUY" if is_buy else "SELL",
        at=START + timedelta(hours=rng.choice([1, 2, 7, 8, 9, 13, 14, 15, 20]), minutes=number),
        quantity=str(rng.randint(1, 40)),
        price=None if is_rejected else f"{100 + cost * (1 if is_buy else -1):.3f}",
        commission="0.25",
        seen={"END": "100.1", "FILL": f"{100 + cost * (0.4 if is_buy else -0.4):.3f}"},
        steps={
            "order.intended": 0,
            "order.claimed": claimed,
            **({} if is_rejected else {"order.accepted": accepted}),
            **({} if is_rejected else {"order.filled": accepted + rng.randint(5, 900)}),
        },
        **({"status": "REJECTED"} if is_rejected else {}),
    )


def sign_in(browser: Browser, user: User) -> None:
    browser.open(PAGE)
    browser.fill("username", user.email)
    browser.fill("password", PASSWORD)
    browser.press("Sign in")
    browser.until_path("/sign-in/code/")
    browser.fill("code", totp_code(Authenticator.objects.get(user=user)))
    browser.press("Continue")
    browser.until_path(PAGE)


def test_a_trader_reads_figures_charts_and_groups(
    browser: Browser, account: TradingAccount, trader: User
) -> None:
    day_of_orders(account)
    sign_in(browser, trader)
    browser.until_text("All orders in USDT")
    browser.until_text("moving_average_cross")
    assert len(browser.all("svg.desk-drawing")) == 3
    browser.shoot("execution-quality")
    browser.shoot_dark("execution-quality")

    Select(browser.one("[name=by]")).select_by_value("hour")
    Select(browser.one("[name=strategy]")).select_by_value("bollinger_rsi")
    browser.press("Show")
    browser.until_text("By hour")
    assert "by=hour" in browser.path
    browser.until_text("14:00 UTC")
    browser.shoot("execution-quality-by-hour")


def test_a_desk_without_orders_says_so(
    browser: Browser, account: TradingAccount, trader: User
) -> None:
    sign_in(browser, trader)
    browser.until_text("No order fits: nothing was sent to a venue in this window.")
    browser.shoot("execution-quality-empty")
