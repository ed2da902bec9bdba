"""``broker_check`` says step by step what works, and changes nothing but by its own test order."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import TradingAccount
from apps.accounts.services import credential_store
from apps.brokers.registry import PROBES
from apps.core.clock import wall_now
from apps.orders.models import Order
from apps.positions.services import deposit_book
from tests.execution.switch_desk import SwitchDesk, switch_desk
from tests.factories.accounts import TradingAccountFactory

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = {"api_key": "ABCDEFGH12345678", "api_secret": "s3cretS3CRETs3cretS3CRET"}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SwitchDesk]:
    monkeypatch.delitem(PROBES, "BYBIT", raising=False)  # the loopback venue stands in its place
    with switch_desk(tmp_path) as running:
        running.venue.control("account", account=running.first.name, currency="USDT", cash="1000")
        deposit_book(
            account=running.first,
            amount=Decimal(1000),
            currency="USDT",
            source_id="opening",
            occurred_at=wall_now(),
            description="Money to try with",
        )
        yield running


def checked(account: TradingAccount, **options: Any) -> dict[str, tuple[str, str]]:
    """Return verdict and sentence by the name of the step."""
    out = StringIO()
    try:
        call_command("broker_check", account=account.name, json=True, stdout=out, **options)
    except CommandError:
        assert json.loads(out.getvalue())["works"] is False
    steps = json.loads(out.getvalue())["steps"]
    return {step["name"]: (step["verdict"], step["sentence"]) for step in steps}


def verdicts(steps: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {name: verdict for name, (verdict, _) in steps.items()}


ALL_WELL = {
    "credential": "OK",
    "broker": "OK",
    "balance": "OK",
    "orders and positions": "OK",
    "books": "OK",
    "order": "OK",
}


def test_test_account_that_works_places_and_cancels_a_small_order(desk: SwitchDesk) -> None:
    credential_store(account=desk.first, values=KEYS)
    steps = checked(desk.first, instrument=desk.gold.symbol)
    assert verdicts(steps) == ALL_WELL
    order = Order.objects.get()
    assert (order.status, order.limit_price, order.origin) == ("CANCELED", Decimal(95), "DESK")
    assert desk.working(desk.first) == set()
    assert desk.matches()


def test_without_a_credential_nothing_else_is_tried(desk: SwitchDesk) -> None:
    steps = checked(desk.first, instrument=desk.gold.symbol)
    assert steps["credential"][0] == "FAILED"
    assert "manage.py credential set first" in steps["credential"][1]
    assert {verdict for name, (verdict, _) in steps.items() if name != "credential"} == {"SKIPPED"}
    assert not Order.objects.exists()
    assert desk.sent() == 0


def test_key_that_ends_soon_is_a_warning(desk: SwitchDesk) -> None:
    credential_store(account=desk.first, values=KEYS, expires_at=wall_now() + timedelta(days=3))
    assert verdicts(checked(desk.first))["credential"] == "WARNING"


def test_broker_that_cannot_be_reached_fails_and_ends_the_check(desk: SwitchDesk) -> None:
    credential_store(account=desk.first, values=KEYS)
    desk.venue.stop()
    steps = checked(desk.first, instrument=desk.gold.symbol)
    assert steps["balance"][0] == "FAILED"
    assert "could not be asked" in steps["balance"][1]
    assert verdicts(steps)["order"] == "SKIPPED"
    assert not Order.objects.exists()


def test_account_with_real_money_never_gets_a_test_order(desk: SwitchDesk) -> None:
    account = TradingAccountFactory(name="real", broker="BYBIT", mode="LIVE")
    steps = checked(account, instrument=desk.gold.symbol)
    assert verdicts(steps)["order"] == "SKIPPED"
    assert not Order.objects.exists()


def test_order_that_the_gate_denies_says_why(desk: SwitchDesk) -> None:
    credential_store(account=desk.first, values=KEYS)
    desk.engage(account=desk.first)
    verdict, sentence = checked(desk.first, instrument=desk.gold.symbol)["order"]
    assert verdict == "FAILED"
    assert "kill switch" in sentence.lower()
    assert desk.sent() == 0


def test_differences_in_the_books_are_told_and_the_order_is_denied(desk: SwitchDesk) -> None:
    credential_store(account=desk.first, values=KEYS)
    desk.venue.control("account", account=desk.first.name, currency="USDT", cash="999")
    steps = checked(desk.first, instrument=desk.gold.symbol)
    assert steps["books"][0] == "FAILED"
    assert "Breaks" in steps["books"][1]
    assert steps["order"][0] == "FAILED"


def test_text_is_one_line_a_step_and_the_exit_tells(desk: SwitchDesk) -> None:
    credential_store(account=desk.first, values=KEYS)
    out = StringIO()
    call_command("broker_check", account="first", no_order=True, stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == len(ALL_WELL) + 1
    assert lines[-1] == "first works."
    with pytest.raises(CommandError, match="no trading account is named 'nobody'; there are: "):
        call_command("broker_check", account="nobody")
    with pytest.raises(CommandError, match="no instrument has the symbol"):
        call_command("broker_check", account="first", instrument="NONE")
