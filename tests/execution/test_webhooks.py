"""Signals from outside: who is believed, what is refused, and that each is traded once."""

import hmac
import json
import logging
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from apps.core.clock import wall_now
from apps.core.models import AuditEvent
from apps.execution.models import ExternalSignal, Webhook
from apps.execution.runner import deployment_tick
from apps.execution.services.sweeps import deployment_ids_due
from apps.execution.services.webhooks import (
    WebhookRefused,
    webhook_open,
    webhook_passphrase,
    webhook_rotate,
    webhook_secret,
    webhook_switch,
)
from apps.orders.models import Order
from apps.risk.models import RiskDecision
from apps.risk.services import limit_set
from apps.strategies.models import Signal
from apps.strategies.services import deployment_pause
from tests.execution.chain import account_open, bars_of, bars_store, deployment_running, tick
from tests.factories.accounts import UserFactory
from tests.factories.marketdata import InstrumentFactory
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db
D = Decimal
SIGNALS = "/api/v1/signals/"
SYMBOL = "BYBIT:BTCUSDT.P"


def hook_open(*, takes_passphrase: bool = False, name: str = "tv", **parameters: Any) -> Webhook:
    """Open the webhook of a running deployment whose market stands at 100."""
    instrument = InstrumentFactory(symbol=SYMBOL if name == "tv" else "BYBIT:ETHUSDT.P")
    deployment = deployment_running(
        account=account_open(name=f"{name}-paper"),
        instruments=[instrument],
        name=name,
        strategy="external_signals",
        **parameters,
    )
    bars_store(deployment, bars_of("100", "100"))
    tick(deployment)
    return webhook_open(deployment=deployment, takes_passphrase=takes_passphrase, actor=None)


@pytest.fixture
def hook() -> Webhook:
    return hook_open()


@pytest.fixture
def tradingview() -> Webhook:
    return hook_open(takes_passphrase=True)


def message(**changes: Any) -> dict[str, Any]:
    values = {"action": "buy", "symbol": SYMBOL, "time": wall_now().isoformat(), **changes}
    return {name: value for name, value in values.items() if value is not None}


def signed(webhook: Webhook, body: bytes) -> str:
    return "sha256=" + hmac.new(webhook_secret(webhook).encode(), body, sha256).hexdigest()


def send(
    webhook: Webhook,
    asked: dict[str, Any] | bytes | None = None,
    *,
    signature: str | None = "right",
    content_type: str = "application/json",
) -> Any:
    """Send a message, signed as it should be unless a test says otherwise; None: unsigned."""
    body = asked if isinstance(asked, bytes) else json.dumps(asked or message()).encode()
    headers = {} if signature is None else {"X-Signature": signature}
    if signature == "right":
        headers = {"X-Signature": signed(webhook, body)}
    url = f"/api/v1/webhooks/{webhook.public_id}/"
    return Client().post(url, body, content_type, headers=headers)


def detail_of(response: Any, status: int) -> str:
    """Return what a refusal says, after which nothing may be stored."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert not Signal.objects.exists()
    assert not ExternalSignal.objects.exists()
    return str(response.json()["detail"])


def orders_of(webhook: Webhook) -> list[tuple[str, str, Decimal]]:
    orders = Order.objects.filter(deployment=webhook.deployment).order_by("pk")
    return list(orders.values_list("role", "side", "quantity"))


class TestTaking:
    def test_a_genuine_message_becomes_a_signal_and_an_order_of_its_deployment(
        self, hook: Webhook
    ) -> None:
        response = send(hook, message(price=101.5, note="crossed", nonce="n-1"))
        assert response.status_code == 202, response.content
        signal, external = Signal.objects.get(), ExternalSignal.objects.get()
        assert response.json() == {"signal": signal.pk, "is_new": True}
        assert (signal.action, signal.reference_price) == ("ENTER_LONG", D(100))
        assert (external.nonce, external.price, external.note) == ("n-1", D("101.5"), "crossed")
        assert deployment_ids_due(moment=wall_now()) == [hook.deployment_id]
        tick(hook.deployment)
        order = Order.objects.get()
        assert (order.signal, order.deployment) == (signal, hook.deployment)
        assert (order.side, order.quantity, order.status) == ("BUY", D(1), "NEW")
        assert order.origin == "WEBHOOK"
        assert RiskDecision.objects.get().intent["is_automated"] is True
        external.refresh_from_db()
        assert external.outcome == "ORDERED"
        assert deployment_ids_due(moment=wall_now()) == []

    def test_it_is_dealt_with_once(self, hook: Webhook) -> None:
        send(hook)
        for _ in range(3):
            tick(hook.deployment)
        assert len(orders_of(hook)) == 1

    def test_a_sell_turns_and_an_exit_leaves(self, hook: Webhook) -> None:
        for number, action in enumerate(("buy", "sell", "exit")):
            assert send(hook, message(action=action)).status_code == 202
            tick(hook.deployment)
            bars_store(hook.deployment, bars_of("100", first=2 + number))
            tick(hook.deployment)
        assert orders_of(hook) == [
            ("ENTRY", "BUY", D(1)),
            ("EXIT", "SELL", D(1)),
            ("ENTRY", "SELL", D(1)),
            ("EXIT", "BUY", D(1)),
        ]

    def test_long_only_reads_a_sell_as_an_exit(self) -> None:
        hook = hook_open(direction="long_only")
        send(hook, message(action="SELL"))
        assert Signal.objects.get().action == "EXIT"

    def test_the_position_outweighs_the_action(self, hook: Webhook) -> None:
        send(hook, message(action="sell", position="flat"))
        assert Signal.objects.get().action == "EXIT"

    def test_stops_and_limit_follow_parameters_and_message(self) -> None:
        hook = hook_open(stop_loss_ratio=0.01, take_profit_ratio=0.02)
        send(hook, message(limit_price="99.57"))
        tick(hook.deployment)
        entry = Order.objects.get(role="ENTRY")
        tick_size = entry.instrument.tick_size
        assert (entry.order_type, entry.exits.count()) == ("LIMIT", 2)
        assert entry.limit_price == D("99.57") // tick_size * tick_size

    def test_what_is_so_already_is_left_alone(self, hook: Webhook) -> None:
        send(hook, message(action="exit"))
        tick(hook.deployment)
        assert ExternalSignal.objects.get().outcome == "NOTHING"
        assert not Order.objects.exists()

    def test_a_denial_leaves_its_decision_alone(self, hook: Webhook) -> None:
        limit_set(kind="ORDER_NOTIONAL", value=D(1), actor=None, reason="test")
        send(hook)
        tick(hook.deployment)
        assert ExternalSignal.objects.get().outcome == "DENIED"
        assert RiskDecision.objects.get().check_name == "order_notional"
        assert not Order.objects.exists()

    def test_a_signal_that_waited_too_long_opens_nothing(self, hook: Webhook) -> None:
        send(hook)
        ExternalSignal.objects.update(received_at=wall_now() - timedelta(minutes=5))
        tick(hook.deployment)
        assert RiskDecision.objects.get().check_name == "freshness"
        assert not Order.objects.exists()

    def test_the_other_address_takes_the_webhook_from_a_header(self, hook: Webhook) -> None:
        body = json.dumps(message()).encode()
        headers = {"X-Webhook-Id": hook.public_id, "X-Signature": signed(hook, body)}
        response = Client().post(SIGNALS, body, "application/json", headers=headers)
        assert response.status_code == 202

    def test_a_session_is_neither_needed_nor_enough(self, hook: Webhook) -> None:
        trader = signed_in(person(member_of=(hook.deployment.account,)))
        response = trader.post(SIGNALS, message(), "application/json")
        assert detail_of(response, 404) == "There is no such webhook."

    def test_the_list_of_signals_still_asks_for_a_session(self, client: Client) -> None:
        assert client.get(SIGNALS).status_code == 401


class TestTradingView:
    def test_the_passphrase_of_the_body_is_believed_where_it_was_agreed(
        self, tradingview: Webhook
    ) -> None:
        passphrase = webhook_passphrase(tradingview)
        asked = message(passphrase=passphrase, position="long", price=100)
        assert send(tradingview, asked, signature=None).status_code == 202
        for kept in (ExternalSignal, AuditEvent, Signal):
            assert passphrase not in str(list(kept.objects.values()))

    def test_it_is_not_believed_where_it_was_not_agreed(self, hook: Webhook) -> None:
        asked = message(passphrase=webhook_passphrase(hook))
        assert "nor the right passphrase" in detail_of(send(hook, asked, signature=None), 403)

    @pytest.mark.parametrize("passphrase", [None, "", "guess", "ü"])
    def test_a_wrong_one_is_refused(self, tradingview: Webhook, passphrase: str | None) -> None:
        response = send(tradingview, message(passphrase=passphrase), signature=None)
        assert "nor the right passphrase" in detail_of(response, 403)

    def test_it_is_no_key_to_signing_and_the_secret_is_no_passphrase(
        self, tradingview: Webhook
    ) -> None:
        body = json.dumps(message()).encode()
        made = hmac.new(webhook_passphrase(tradingview).encode(), body, sha256).hexdigest()
        detail_of(send(tradingview, body, signature=made), 403)
        asked = message(passphrase=webhook_secret(tradingview))
        detail_of(send(tradingview, asked, signature=None), 403)

    def test_a_wrong_signature_is_not_made_good_by_a_passphrase(self, tradingview: Webhook) -> None:
        asked = message(passphrase=webhook_passphrase(tradingview))
        detail_of(send(tradingview, asked, signature="0" * 64), 403)

    def test_a_message_that_cannot_be_read_and_proves_nobody_is_told_nothing(
        self, tradingview: Webhook
    ) -> None:
        said = detail_of(send(tradingview, message(action="hold"), signature=None), 400)
        assert "action" not in said


class TestRefusals:
    @pytest.mark.parametrize("signature", ["", "sha256=", "0" * 64, "sha256=x", "x" * 5000])
    def test_a_bad_signature(self, hook: Webhook, signature: str) -> None:
        said = detail_of(send(hook, signature=signature), 403)
        assert said == "The signature is not that of the body."

    def test_a_body_that_was_changed_on_the_way(self, hook: Webhook) -> None:
        signature = signed(hook, json.dumps(message()).encode())
        detail_of(send(hook, message(action="sell"), signature=signature), 403)

    def test_a_signature_for_another_deployment(self, hook: Webhook) -> None:
        other = hook_open(name="other")
        body = json.dumps(message()).encode()
        detail_of(send(other, body, signature=signed(hook, body)), 403)

    def test_a_symbol_of_another_deployment(self, hook: Webhook) -> None:
        other = hook_open(name="other")
        assert "other trades BYBIT:ETHUSDT.P, not" in detail_of(send(other), 409)

    @pytest.mark.parametrize("seconds", [-61, 62, 86_400])
    def test_a_message_from_the_past_or_the_future(self, hook: Webhook, seconds: int) -> None:
        at = (wall_now() + timedelta(seconds=seconds)).isoformat()
        assert "more than 60 s from the desk's" in detail_of(send(hook, message(time=at)), 409)

    def test_a_replay_gets_the_first_answer_and_does_nothing(
        self, hook: Webhook, caplog: pytest.LogCaptureFixture
    ) -> None:
        asked = message()
        first, second = send(hook, asked), send(hook, asked)
        assert (first.status_code, second.status_code) == (202, 200)
        assert second.json() == {**first.json(), "is_new": False}
        assert Signal.objects.count() == ExternalSignal.objects.count() == 1
        assert "arrived again" in caplog.text

    def test_a_nonce_for_a_second_message(self, hook: Webhook) -> None:
        send(hook, message(nonce="n"))
        response = send(hook, message(nonce="n", action="sell"))
        assert response.status_code == 409
        assert "was used for another message" in response.json()["detail"]
        assert Signal.objects.count() == 1

    def test_a_huge_body_is_not_read(self, hook: Webhook) -> None:
        said = detail_of(send(hook, message(note="x" * 9000)), 413)
        assert said == "A message has at most 8192 bytes."

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "x"])
    def test_another_kind_of_content(self, hook: Webhook, kind: str) -> None:
        detail_of(send(hook, b"{}", content_type=kind), 415)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b" ", "no JSON"),
            (b"buy now", "no JSON"),
            (b"[" * 8000, "no JSON"),
            (b"[]", "one JSON object"),
            (b'{"action": NaN}', "no JSON"),
            (b'{"action": "buy", "symbol": "X", "time": "2026-01-01T00:00:00"}', "timezone"),
        ],
    )
    def test_a_body_that_is_no_message(self, hook: Webhook, body: bytes, words: str) -> None:
        assert words in detail_of(send(hook, body), 400)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"action": "hold"}, "action: Input should be 'buy', 'sell'"),
            ({"action": None}, "action: Field required"),
            ({"symbol": "A\x00B"}, "zero byte"),
            ({"acton": "buy"}, "acton: Extra inputs are not permitted"),
            ({"price": "-1"}, "price: Input should be greater than 0"),
            ({"limit_price": "1e400"}, "limit_price"),
            ({"nonce": ""}, "nonce: String should have at least 1"),
            ({"time": "yesterday"}, "time: Input should be a valid datetime"),
        ],
    )
    def test_a_member_that_cannot_be_is_named(
        self, hook: Webhook, changes: dict[str, Any], words: str
    ) -> None:
        assert words in detail_of(send(hook, message(**changes)), 400)

    @pytest.mark.parametrize("public_id", ["nothing", "%00", "a%0Ab", "%C3%BC"])
    def test_an_address_that_is_none(self, public_id: str) -> None:
        url = f"/api/v1/webhooks/{public_id}/"
        response = Client().post(url, message(), "application/json")
        assert detail_of(response, 404) == "There is no such webhook."

    def test_a_webhook_that_is_switched_off_is_none(self, hook: Webhook) -> None:
        actor = UserFactory()
        webhook_switch(webhook=hook, is_active=False, actor=actor)
        assert detail_of(send(hook), 404) == "There is no such webhook."
        webhook_switch(webhook=hook, is_active=True, actor=actor)
        assert send(hook).status_code == 202
        steps = AuditEvent.objects.filter(action__startswith="webhook.").order_by("pk")
        assert list(steps.values_list("action", flat=True)) == [
            "webhook.opened",
            "webhook.switched_off",
            "webhook.switched_on",
        ]

    def test_a_deployment_that_does_not_run(self, hook: Webhook) -> None:
        deployment_pause(deployment=hook.deployment)
        assert "only a running deployment takes signals" in detail_of(send(hook), 409)

    def test_too_many_messages_are_throttled_apart_from_everything_else(
        self, hook: Webhook, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache = {**settings.CACHES["default"], "KEY_PREFIX": hook.public_id}
        settings.CACHES = {"default": cache}
        monkeypatch.setattr("apps.core.api.throttles.WebhookThrottle.rate", "2/min")
        statuses = [send(hook, message(nonce=str(number))).status_code for number in range(3)]
        assert statuses == [202, 202, 429]
        assert Client().get("/api/v1/me/").status_code == 401

    def test_refusals_are_logged_without_secret_and_body(
        self, tradingview: Webhook, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        passphrase = webhook_passphrase(tradingview)
        send(tradingview, message(passphrase=passphrase, action="hold"), signature=None)
        send(tradingview, message(passphrase=passphrase[:-1]), signature=None)
        send(tradingview, message(note="a note"), signature="0" * 64)
        refused = [record for record in caplog.records if "refused a message" in record.message]
        assert len(refused) == 3
        for secret in (passphrase[:-1], webhook_secret(tradingview), "a note"):
            assert secret not in caplog.text


class TestSecrets:
    def test_a_rotation_makes_the_old_secret_worthless(self, hook: Webhook) -> None:
        body = json.dumps(message()).encode()
        old = signed(hook, body)
        rotated = webhook_rotate(webhook=hook, actor=None)
        detail_of(send(hook, body, signature=old), 403)
        assert send(rotated, body).status_code == 202

    def test_the_database_holds_no_secret(self, tradingview: Webhook) -> None:
        stored = str(list(Webhook.objects.values()))
        assert webhook_secret(tradingview) not in stored
        assert webhook_passphrase(tradingview) not in stored

    def test_secrets_outlive_a_change_of_the_desks_key_while_the_old_one_is_named(
        self, hook: Webhook, settings: Settings
    ) -> None:
        body = json.dumps(message()).encode()
        made = signed(hook, body)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another key of the desk, fifty characters or more long"
        assert send(hook, body, signature=made).status_code == 202
        settings.SECRET_KEY_FALLBACKS = []
        assert send(hook, body, signature=made).status_code == 403

    def test_only_external_signals_take_a_webhook_and_only_one(self, hook: Webhook) -> None:
        deployment = hook.deployment
        with pytest.raises(WebhookRefused, match="has a webhook; rotate"):
            webhook_open(deployment=deployment, takes_passphrase=False, actor=None)
        own = deployment_running(account=account_open(name="b"), name="own")
        with pytest.raises(WebhookRefused, match="which decides by itself"):
            webhook_open(deployment=own, takes_passphrase=False, actor=None)
        with pytest.raises(WebhookRefused, match="5 to 600 seconds, was 4"):
            webhook_open(
                deployment=deployment, takes_passphrase=False, window_seconds=4, actor=None
            )


def webhook(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    call_command("webhook", *words, "--json")
    return json.loads(capsys.readouterr().out)


def test_the_command_opens_rotates_and_switches_and_shows_secrets_only_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment = hook_open().deployment
    Webhook.objects.all().delete()
    by = ("--by", UserFactory(email="tara@desk.example").email)
    [opened] = webhook(capsys, "open", "tv", "--passphrase", *by)
    hook = Webhook.objects.get(deployment=deployment)
    assert opened["address"] == f"/api/v1/webhooks/{hook.public_id}/"
    assert (opened["secret"], opened["passphrase"]) == (
        webhook_secret(hook),
        webhook_passphrase(hook),
    )
    [rotated] = webhook(capsys, "rotate", "tv", *by)
    assert rotated["secret"] != opened["secret"]
    [off] = webhook(capsys, "off", "tv", *by)
    assert off["is_active"] is False
    assert "secret" not in off
    assert webhook(capsys, "list") == [off]
    for words in (("open", "tv"), ("open", "nothing"), ("rotate", "nothing")):
        with pytest.raises(CommandError):
            call_command("webhook", *words, *by)
    with pytest.raises(CommandError, match="there is no person"):
        call_command("webhook", "on", "tv", "--by", "nobody@desk.example")


def test_a_refusal_of_the_command_is_one_document_for_a_script(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("webhook", "on", "tv", "--by", "nobody@desk.example", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told == {"result": "refused", "error": str(refusal.value)}


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_woken_once_the_signal_is_committed(eager: None) -> None:
    hook = hook_open()
    assert send(hook).status_code == 202
    assert [order[1] for order in orders_of(hook)] == ["BUY"]
    assert deployment_tick(deployment_id=hook.deployment_id, seconds=5) == "DONE"
