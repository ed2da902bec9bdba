"""People go about their work in a real browser, on a wide screen and on a phone."""

import pytest

from apps.accounts.models import Authenticator, User
from apps.accounts.roles import Role
from apps.core.models import AuditEvent
from apps.strategies.models import Deployment
from tests.e2e.browser import Browser
from tests.e2e.scene import Scene
from tests.factories.accounts import PASSWORD
from tests.sessions import person, totp_code

pytestmark = [pytest.mark.django_db(transaction=True)]


def sign_in(browser: Browser, scene: Scene, user: User, *, at: str = "/") -> None:
    browser.open(at)
    browser.fill("username", user.email)
    browser.fill("password", PASSWORD)
    browser.press("Sign in")
    browser.until_path("/sign-in/code/")
    browser.fill("code", totp_code(scene.device_of(user)))
    browser.press("Continue")
    browser.until_path(at)


def test_a_trader_signs_in_with_an_authenticator(browser: Browser, scene: Scene) -> None:
    browser.open("/")
    browser.until_path("/sign-in/?next=/")
    browser.shoot("sign-in")
    browser.fill("username", scene.trader.email)
    browser.fill("password", "not it")
    browser.press("Sign in")
    browser.until_text("E-mail or password is wrong")
    browser.shoot("sign-in-refused")
    browser.fill("password", PASSWORD)
    browser.press("Sign in")
    browser.until_path("/sign-in/code/")
    browser.shoot("code")
    browser.fill("code", totp_code(scene.device_of(scene.trader)))
    browser.press("Continue")

    browser.until_path("/")
    browser.one("#equity-chart canvas")
    browser.shoot("dashboard")
    browser.shoot_dark("dashboard")


def test_a_trader_stops_and_starts_a_deployment(browser: Browser, scene: Scene) -> None:
    sign_in(browser, scene, scene.trader)
    browser.press_element(f"#start-{scene.deployment.pk}")
    browser.until_text(f"{scene.deployment} has started.")
    assert Deployment.objects.get(pk=scene.deployment.pk).state == "RUNNING"
    browser.shoot("dashboard-running")
    browser.press_element(f"#stop-{scene.deployment.pk}")
    browser.until_text(f"{scene.deployment} has stopped.")

    assert Deployment.objects.get(pk=scene.deployment.pk).state == "STOPPED"
    actions = AuditEvent.objects.filter(subject_label=str(scene.deployment)).order_by("id")
    assert [each.action for each in actions] == ["deployment.started", "deployment.stopped"]
    assert {each.actor_id for each in actions} == {scene.trader.pk}


def test_the_dashboard_keeps_itself_fresh(browser: Browser, scene: Scene) -> None:
    sign_in(browser, scene, scene.trader)
    browser.until_text(scene.working.client_order_id)
    Deployment.objects.filter(pk=scene.deployment.pk).update(
        state="FAILED", state_reason="the strategy raised ZeroDivisionError at bar 2026-01-05 06:00"
    )

    browser.until_text("the strategy raised ZeroDivisionError")
    browser.shoot("dashboard-failed")


def test_an_order_is_followed_from_the_list_to_its_history(browser: Browser, scene: Scene) -> None:
    sign_in(browser, scene, scene.trader)
    browser.press("Orders")
    browser.until_path("/orders/")
    browser.shoot("orders")
    browser.press("Older orders")
    browser.until_text("Newest")
    browser.press("Newest")
    browser.until_path("/orders/?account=&status=")
    browser.press(scene.filled.client_order_id)
    browser.until_path(f"/orders/{scene.filled.pk}/")
    browser.until_text("order.acknowledged")
    browser.shoot("order")
    browser.shoot_dark("order")
    browser.open(f"/orders/{scene.rejected.pk}/")
    browser.until_text("the available balance is not enough")
    browser.shoot("order-rejected")
    browser.open(f"/orders/{scene.working.pk}/")
    browser.until_text("An exit is decided with its entry")
    browser.shoot("order-exit")


def test_the_admin_asks_for_the_second_factor_and_resolves_a_break(
    browser: Browser, scene: Scene
) -> None:
    browser.open("/admin/")
    browser.until_path("/sign-in/?next=%2Fadmin%2F")
    browser.fill("username", scene.officer.email)
    browser.fill("password", PASSWORD)
    browser.press("Sign in")
    browser.until_path("/sign-in/code/")
    browser.open("/admin/")
    browser.until_path("/sign-in/?next=%2Fadmin%2F")
    sign_in(browser, scene, scene.officer, at="/admin/")
    browser.picture("admin")
    browser.open("/admin/orders/order/")
    browser.until_text(scene.filled.client_order_id)
    browser.picture("admin-orders")
    browser.open(f"/admin/orders/order/{scene.filled.pk}/change/")
    browser.until_text("62,481.0333333333")
    browser.picture("admin-order")
    browser.open(f"/admin/reconciliation/break/{scene.found.pk}/change/")
    browser.picture("admin-break")
    browser.fill("resolution", "a fee of the broker, booked since")
    browser.press_element("[name=_save]")
    browser.until_path("/admin/reconciliation/break/")
    browser.picture("admin-breaks")

    scene.found.refresh_from_db()
    assert (scene.found.state, scene.found.resolution) == (
        "RESOLVED",
        "a fee of the broker, booked since",
    )


def test_the_interactive_documents_render(browser: Browser, scene: Scene) -> None:
    sign_in(browser, scene, scene.trader)
    browser.open("/api/v1/docs/")
    browser.one("#operations-tag-orders")
    browser.picture("api-docs")
    browser.press_element("#operations-me-me_retrieve button")
    browser.press_element("#operations-me-me_retrieve .try-out__btn")
    browser.press_element("#operations-me-me_retrieve .execute")
    browser.until_text(scene.trader.email)
    browser.picture("api-docs-tried")


def test_pages_that_refuse_say_what_to_do(browser: Browser, scene: Scene) -> None:
    browser.open("/sign-in/")
    for _ in range(5):
        browser.fill("username", scene.trader.email)
        browser.fill("password", "not it")
        browser.press("Sign in")
    browser.until_text("Sign-in paused")
    browser.shoot("sign-in-paused")
    assert browser.refusals() == ["429"]
    sign_in(browser, scene, scene.officer)
    browser.open("/orders/0/")
    browser.until_text("There is nothing at this address")
    browser.shoot("not-found")
    assert browser.refusals() == ["404"]


def test_a_newcomer_sets_up_the_second_factor_and_keeps_recovery_codes(browser: Browser) -> None:
    newcomer = person(Role.TRADER, email="nina@desk.example")
    browser.open("/orders/")
    browser.fill("username", newcomer.email)
    browser.fill("password", PASSWORD)
    browser.press("Sign in")
    browser.until_text("Set up the second factor")
    browser.one(".desk-qr svg")
    browser.shoot("enrolment")
    browser.shoot_dark("enrolment")
    browser.fill("code", totp_code(Authenticator.objects.get(user=newcomer)))
    browser.press("Turn on")
    browser.until_text("they are not shown again")
    browser.shoot("recovery-codes")
    assert len(browser.all(".desk-codes li")) == 10
    browser.press("I have kept them, continue")

    browser.until_path("/orders/")
    browser.until_text("No orders fit")
    browser.shoot("orders-empty")
    browser.open("/")
    browser.until_text("No trading account yet")
    browser.shoot("dashboard-no-account")
    browser.open("/second-factor/")
    browser.shoot("second-factor")
    browser.open("/password/")
    browser.shoot("password")
