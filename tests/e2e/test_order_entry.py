"""A trader enters, changes and cancels orders in a browser, on a wide screen and on a phone."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from selenium.webdriver.support.ui import Select

from apps.accounts.models import Authenticator, User
from apps.core.clock import wall_now
from apps.orders.models import Order, OrderGroup
from apps.orders.services import order_mark_unknown
from tests.e2e.browser import PHONE, Browser
from tests.execution.paper_desk import PaperDesk
from tests.factories.accounts import PASSWORD, TOTPDeviceFactory
from tests.factories.orders import OrderFactory
from tests.sessions import totp_code
from tradingsite.celery import app

pytestmark = [pytest.mark.django_db(transaction=True)]
D = Decimal
ENTRY = "/orders/new/"


@pytest.fixture
def desk(live_server: object) -> Iterator[PaperDesk]:
    """A desk whose worker acts within the request."""
    app.conf.task_always_eager = True
    yield PaperDesk("demo-paper")
    app.conf.task_always_eager = False


def sign_in(browser: Browser, user: User, *, at: str) -> None:
    TOTPDeviceFactory(user=user)
    browser.open(at)
    browser.fill("username", user.email)
    browser.fill("password", PASSWORD)
    browser.press("Sign in")
    browser.until_path("/sign-in/code/")
    browser.fill("code", totp_code(Authenticator.objects.get(user=user)))
    browser.press("Continue")
    browser.until_path(at)


def choose(browser: Browser, name: str, value: str) -> None:
    Select(browser.one(f"[name={name}]")).select_by_value(value)


def fill_in(browser: Browser, *, kind: str, side: str = "BUY", **fields: str) -> None:
    browser.fill("instrument", "TEST:ACME")
    browser.press_element(f".desk-choice-{side.lower()}")
    choose(browser, "kind", kind)
    for name, value in fields.items():
        browser.fill(name, value)


def shown_fields(browser: Browser) -> set[str]:
    shown = [each for each in browser.all("#order-entry [data-kinds] input") if each.is_enabled()]
    return {str(each.get_attribute("name")) for each in shown}


def test_a_limit_order_is_entered_changed_and_canceled(browser: Browser, desk: PaperDesk) -> None:
    sign_in(browser, desk.trader, at="/orders/")
    browser.press("New order")
    browser.until_path(ENTRY)
    browser.until_text("Still to fill in")
    browser.shoot("order-entry-empty")
    fill_in(browser, kind="LIMIT", quantity="2", limit_price="95.2")
    browser.until_text("95.2 is not a multiple of the tick size 0.5; nearest are 95 and 95.5.")
    browser.press("Review the order")
    browser.until_text("New order")
    browser.one("#order-entry .desk-loss")
    browser.shoot("order-entry-mistake")
    assert browser.refusals() == ["422"]
    browser.fill("limit_price", "95")
    browser.until_text("lets it pass")
    browser.shoot("order-entry")
    browser.shoot_dark("order-entry")
    browser.press("Review the order")
    browser.until_text("Enter this order?")
    browser.shoot("order-review")
    browser.press("Enter the order")
    browser.until_text("It is written down and on its way.")
    order = Order.objects.get()
    browser.until_path(f"/orders/{order.pk}/")
    browser.until_text("Working at the venue")
    browser.shoot("order-working")

    browser.press("Change")
    browser.until_path(f"/orders/{order.pk}/amend/")
    browser.fill("limit_price", "96")
    browser.shoot("order-amend")
    browser.press("Ask for the new terms")
    browser.until_text("New terms in force")
    order.refresh_from_db()
    assert (order.status, order.limit_price) == ("NEW", D(96))

    browser.press("Cancel")
    browser.until_path(f"/orders/{order.pk}/cancel/")
    browser.fill("reason", "the market has turned")
    browser.shoot("order-cancel")
    browser.press("Cancel the order")
    browser.until_text("Canceled")
    order.refresh_from_db()
    assert order.status == "CANCELED"
    browser.until_text("the market has turned")
    browser.shoot("order-canceled")


def test_only_the_fields_of_the_chosen_kind_can_be_filled_in(
    browser: Browser, desk: PaperDesk
) -> None:
    sign_in(browser, desk.trader, at=ENTRY)
    assert shown_fields(browser) == {"limit_price", "post_only", "reduce_only"}
    choose(browser, "kind", "BRACKET")
    assert shown_fields(browser) == {
        *("entry_limit_price", "stop_price", "stop_percent", "target_price", "target_percent"),
        "maximum_slippage_bps",
    }
    browser.shoot("order-entry-bracket")
    choose(browser, "kind", "TWAP")
    assert shown_fields(browser) == {"slices", "interval_seconds", "starts_at", "worst_price"}
    browser.shoot("order-entry-twap")
    assert not any(each.is_displayed() for each in browser.all("[name=expires_at]"))
    choose(browser, "time_in_force", "GTD")
    assert browser.one("[name=expires_at]").is_enabled()


def test_a_double_click_and_the_back_button_enter_one_order(
    browser: Browser, desk: PaperDesk
) -> None:
    sign_in(browser, desk.trader, at=ENTRY)
    fill_in(browser, kind="LIMIT", quantity="2", limit_price="95")
    browser.press("Review the order")
    browser.until_text("Enter this order?")
    browser.driver.execute_script(
        "const press = document.querySelector('[value=enter]'); press.click(); press.click();"
    )
    browser.until_text("Working at the venue")
    browser.driver.back()  # the browser keeps no page of ours, and offers to send the form again
    browser.driver.refresh()
    browser.until_text("Enter this order?")
    browser.press("Enter the order")
    browser.until_text("This was entered before; nothing was entered twice.")
    order = Order.objects.get()
    browser.until_path(f"/orders/{order.pk}/")


def test_an_oco_is_entered_on_a_phone_and_followed_to_its_end(
    browser: Browser, desk: PaperDesk
) -> None:
    sign_in(browser, desk.trader, at=ENTRY)
    browser.resize(PHONE, is_phone=True)
    browser.open(ENTRY)
    fill_in(browser, kind="OCO", side="SELL", quantity="2", limit_price="110", stop_price="90")
    browser.until_text("lets it pass")
    browser.until_text("Managed by the desk")
    browser.shoot("oco-entry")
    browser.resize(PHONE, is_phone=True)
    browser.press("Review the order")
    browser.until_text("Enter this order?")
    browser.press("Enter the order")
    browser.until_text("It is written down and on its way.")
    group = OrderGroup.objects.get()
    browser.until_path(f"/orders/groups/{group.pk}/")
    browser.until_text("When one exit fills, the desk takes as much off the other.")
    browser.until_text("target")
    browser.shoot("oco")
    browser.open("/orders/groups/")
    browser.until_text(group.client_group_id)
    browser.shoot("order-groups")
    browser.open(f"/orders/groups/{group.pk}/")
    browser.press("Cancel")
    browser.until_path(f"/orders/groups/{group.pk}/cancel/")
    browser.shoot("oco-cancel")
    browser.press("Cancel the managed order")
    browser.until_text("Its end is asked for.")
    browser.until_text("canceled on request")
    browser.shoot("oco-canceled")
    assert set(Order.objects.values_list("status", flat=True)) == {"CANCELED"}


def test_an_order_in_doubt_is_watched_until_the_truth_is_known(
    browser: Browser, desk: PaperDesk
) -> None:
    order = OrderFactory(
        account=desk.account,
        instrument=desk.instrument,
        order_type="LIMIT",
        limit_price=D(95),
        quantity=D(2),
        status="SENDING",
        origin="MANUAL",
        created_by=desk.trader,
        decided_at=wall_now() - timedelta(seconds=30),
    )
    order_mark_unknown(order=order, reason="the venue did not answer within 5 s")
    sign_in(browser, desk.trader, at=f"/orders/{order.pk}/")
    browser.until_text("It is never sent again blindly")
    browser.until_text("new orders on TEST:ACME in demo-paper")
    browser.shoot("order-unknown")
    Order.objects.filter(pk=order.pk).update(status="NEW", unknown_since=None)
    browser.until_text("Change")
    assert "never sent again blindly" not in browser.text()
