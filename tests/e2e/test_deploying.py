"""A trader deploys a strategy in a browser and takes its steps, on a wide screen and a phone."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from apps.core.models import AuditEvent
from apps.execution.services.webhooks import webhook_open
from apps.strategies.models import Deployment
from tests.e2e.browser import PHONE, Browser
from tests.e2e.scene import Scene
from tests.e2e.test_journeys import sign_in as sign_in_known
from tests.e2e.test_order_entry import sign_in
from tests.execution.paper_desk import PaperDesk
from tests.factories.execution import DeploymentCursorFactory
from tests.factories.strategies import DeploymentClosingFactory
from tradingsite.celery import app

pytestmark = [pytest.mark.django_db(transaction=True)]
NEW = "/deployments/new/"


@pytest.fixture
def desk(live_server: object) -> Iterator[PaperDesk]:
    app.conf.task_always_eager = True
    yield PaperDesk("demo-paper")
    app.conf.task_always_eager = False


def choose(browser: Browser, name: str, value: str) -> None:
    Select(browser.one(f"[name={name}]")).select_by_value(value)


def test_a_strategy_is_deployed_started_and_stopped(browser: Browser, desk: PaperDesk) -> None:
    sign_in(browser, desk.trader, at="/deployments/")
    browser.until_text("No strategy is deployed on your accounts yet.")
    browser.shoot("deployments-none")
    browser.press("Deploy a strategy")
    browser.until_path(NEW)
    choose(browser, "strategy", "moving_average_cross")
    browser.until_text("Bars of the fast average.")
    browser.shoot("deployment-new")
    browser.shoot_dark("deployment-new")

    browser.fill("name", "acme trend")
    browser.fill("instruments", "TEST:ACNE")
    browser.fill("sizing_value", "2")
    browser.fill("parameters-fast", "0")
    browser.press("Review the deployment")
    browser.until_text("did you mean TEST:ACME?")
    browser.shoot("deployment-mistakes")
    assert browser.refusals() == ["422"]

    browser.fill("name", "acme-trend")
    browser.fill("instruments", "TEST:ACME")
    browser.fill("sizing_value", "0.1")
    browser.fill("parameters-fast", "5")
    browser.press("Review the deployment")
    browser.until_text("Deploy this?")
    browser.shoot("deployment-review")
    browser.driver.execute_script(
        "const press = document.querySelector('[value=create]'); press.click(); press.click();"
    )
    browser.until_text("It is deployed as a draft, and trades once started.")
    deployment = Deployment.objects.get()
    browser.until_path(f"/deployments/{deployment.pk}/")
    browser.shoot("deployment-draft")

    browser.driver.back()  # the browser keeps no page of ours, and offers to send the form again
    browser.driver.refresh()
    browser.until_text("There is a deployment acme-trend already; choose another.")
    assert browser.refusals() == ["422"]
    assert Deployment.objects.get() == deployment

    browser.open("/deployments/")
    browser.press("acme-trend")
    browser.fill("reason", "looked over twice")
    browser.press("Start")
    browser.until_text("acme-trend has started.")
    browser.until_text("looked over twice")
    deployment.refresh_from_db()
    assert (deployment.state, deployment.state_reason) == ("RUNNING", "looked over twice")


def test_another_strategy_brings_its_fields_on_a_phone(browser: Browser, desk: PaperDesk) -> None:
    sign_in(browser, desk.trader, at=NEW)
    browser.resize(PHONE, is_phone=True)
    choose(browser, "strategy", "external_signals")
    browser.until_text("Signals from outside, by webhook")
    choose(browser, "strategy", "bollinger_rsi")
    browser.until_text("Only below this ADX.")
    assert browser.one("[name=parameters-band_period]").get_attribute("value") == "20"
    browser.shoot("deployment-new-bollinger")


def test_a_running_deployment_is_followed_and_stopped_with_a_reason(
    browser: Browser, scene: Scene
) -> None:
    deployment = scene.deployment
    Deployment.objects.filter(pk=deployment.pk).update(
        state="RUNNING", state_reason="a month on paper was enough"
    )
    instrument = deployment.instruments.get()
    DeploymentCursorFactory(deployment=deployment, instrument=instrument, bars_seen=18_422)
    sign_in_known(browser, scene, scene.trader, at=f"/deployments/{deployment.pk}/")
    browser.until_text("Recent signals")
    browser.shoot("deployment")
    browser.shoot_dark("deployment")
    browser.fill("reason", f"the market has changed{Keys.ENTER}")  # Enter takes no step
    browser.press("Stop")
    browser.until_text("has stopped.")
    browser.until_text("the market has changed")
    steps = AuditEvent.objects.filter(action__startswith="deployment.")
    assert list(steps.values_list("action", "reason")) == [
        ("deployment.stopped", "the market has changed")
    ]
    DeploymentClosingFactory(deployment=deployment, instrument=instrument, waits_for="session")
    browser.until_text("waits for session")
    browser.shoot("deployment-closing")
    browser.open("/deployments/")
    browser.until_text("demo-bollinger-rsi")
    browser.shoot("deployments")


def test_external_signals_show_their_webhook(browser: Browser, desk: PaperDesk) -> None:
    sign_in(browser, desk.trader, at=NEW)
    choose(browser, "strategy", "external_signals")
    browser.until_text("Signals from outside, by webhook")
    browser.fill("name", "from-outside")
    browser.fill("instruments", "TEST:ACME")
    choose(browser, "sizing_method", "FIXED_QUANTITY")
    browser.fill("sizing_value", "2")
    browser.press("Review the deployment")
    browser.until_text("Deploy this?")
    browser.press("Create the deployment")
    browser.until_text("It has no webhook yet")
    webhook_open(deployment=Deployment.objects.get(), takes_passphrase=True, actor=desk.trader)
    browser.until_text("or a passphrase in the message")
    browser.shoot("deployment-webhook")
