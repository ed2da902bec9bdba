"""Secrets reach the command by a prompt or standard input, and leave it by nothing."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import Broker, BrokerCredential, TradingAccount, TradingMode, User
from apps.accounts.selectors import credential_read
from tests.factories.accounts import TradingAccountFactory, UserFactory, credential_in_use

pytestmark = pytest.mark.django_db

SECRET = "canary-secret-9b1d"
VALUES = {"api_key": "canary-key-000000-AB12", "api_secret": SECRET}


@pytest.fixture
def person() -> User:
    return UserFactory(email="olga@desk.example")


@pytest.fixture
def testnet() -> TradingAccount:
    return TradingAccountFactory(name="testnet", broker=Broker.BYBIT, mode=TradingMode.TEST)


@pytest.fixture
def live() -> TradingAccount:
    return TradingAccountFactory(name="live", broker=Broker.BYBIT, mode=TradingMode.LIVE)


def run(monkeypatch: pytest.MonkeyPatch, *args: str, stdin: str = "") -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    output = io.StringIO()
    call_command("credential", *args, stdout=output)
    return output.getvalue()


def test_values_from_standard_input_are_used_at_once_on_a_test_network(
    monkeypatch: pytest.MonkeyPatch, testnet: TradingAccount
) -> None:
    said = run(monkeypatch, "set", "testnet", "--expires=2099-01-01", stdin=json.dumps(VALUES))
    assert said == "testnet Trading …AB12: in use\n"
    assert credential_read(account=testnet) == VALUES
    assert BrokerCredential.objects.get().expires_at is not None


def test_values_are_asked_for_unseen_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, testnet: TradingAccount
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked: list[str] = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return f" {VALUES[prompt.rstrip(': ')]}\r"

    monkeypatch.setattr("getpass.getpass", typed)
    monkeypatch.setattr("sys.stdin", Terminal())
    call_command("credential", "set", "testnet", stdout=io.StringIO())
    assert asked == ["api_key: ", "api_secret: "]
    assert credential_read(account=testnet) == VALUES


def test_a_key_to_real_money_waits_for_a_second_person(
    monkeypatch: pytest.MonkeyPatch, live: TradingAccount, person: User
) -> None:
    said = run(monkeypatch, "set", "live", "--by=OLGA@desk.example", stdin=json.dumps(VALUES))
    assert said == "live Trading …AB12: awaits approval\n"
    assert BrokerCredential.objects.get().proposed_by == person


@pytest.mark.parametrize(
    ("args", "stdin", "sentence"),
    [
        (["set", "live"], json.dumps(VALUES), "somebody must answer"),
        (["set", "live", "--by=x@desk.example"], json.dumps(VALUES), "nobody has the e-mail"),
        (["set", "nowhere"], json.dumps(VALUES), "there is no account 'nowhere'; known are live"),
        (["set", "live"], SECRET, "must be one JSON object of texts"),
        (["set", "live"], json.dumps([SECRET]), "must be one JSON object of texts"),
        (["set", "live"], json.dumps({"api_key": 1}), "must be one JSON object of texts"),
        (["set", "live"], json.dumps({"api_secret": SECRET}), "missing: api_key"),
        (["revoke", "live", "--reason=x"], "", "has no credential in use"),
    ],
)
def test_a_refusal_says_why_and_repeats_no_value(
    monkeypatch: pytest.MonkeyPatch,
    live: TradingAccount,
    args: list[str],
    stdin: str,
    sentence: str,
) -> None:
    with pytest.raises(CommandError) as refused:
        run(monkeypatch, *args, stdin=stdin)
    assert sentence in str(refused.value)
    assert SECRET not in str(refused.value)
    assert not BrokerCredential.objects.exists()


def test_there_is_no_option_that_takes_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="unrecognized arguments"):
        run(monkeypatch, "set", "testnet", "--api-secret", SECRET)


def test_the_list_shows_what_there_is_and_no_value(
    monkeypatch: pytest.MonkeyPatch, live: TradingAccount
) -> None:
    credential_in_use(live, VALUES)
    shown = run(monkeypatch, "list")
    (row,) = json.loads(shown)
    assert (row["account"], row["state"], row["hint"]) == ("live", "ACTIVE", "AB12")
    assert SECRET not in shown
    assert VALUES["api_key"] not in shown


def test_a_credential_is_revoked_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, live: TradingAccount
) -> None:
    credential_in_use(live, VALUES)
    assert "revoked" in run(monkeypatch, "revoke", "live", "--reason=it leaked")
    assert BrokerCredential.objects.get().state == BrokerCredential.State.REVOKED
