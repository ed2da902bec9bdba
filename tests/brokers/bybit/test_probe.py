"""What a Bybit key may do is asked for, judged and kept, before anybody trades with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from apps.accounts.models import BrokerCredential, TradingAccount
from apps.accounts.services import credential_store
from apps.brokers.bybit.probe import key_facts
from apps.brokers.bybit.wire import Garbled
from apps.brokers.checks import CheckStep
from apps.brokers.probing import credential_probe, credentials_probe
from apps.orders.domain.ports import AuthenticationFailed
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, BybitVenue, bybit_venue

pytestmark = pytest.mark.django_db


@pytest.fixture
def venue(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[BybitVenue]:
    terms: dict[str, Any] = getattr(request, "param", {})
    with bybit_venue(tmp_path, **terms) as running, override_settings(BYBIT_REST_URL=running.url):
        yield running


def account() -> TradingAccount:
    made: TradingAccount = TradingAccountFactory(broker="BYBIT", mode="TEST")
    return made


def credential(secret: str = VENUE_SECRET, **terms: Any) -> BrokerCredential:
    values = {"api_key": VENUE_KEY, "api_secret": secret}
    return credential_store(values=values, **{"account": account(), **terms})


def steps_of(tried: BrokerCredential) -> dict[str, CheckStep]:
    return {step.name: step for step in credential_probe(credential=tried)}


def test_key_that_trades_is_accepted_and_its_rights_are_kept(venue: BybitVenue) -> None:
    tried = credential()
    steps = steps_of(tried)
    verdicts = {name: step.verdict.value for name, step in steps.items()}
    assert verdicts == {
        "clock": "OK",
        "login": "OK",
        "permissions": "OK",
        "addresses": "WARNING",
        "account": "OK",
    }
    tried.refresh_from_db()
    assert "ContractTrade.Order" in tried.permissions
    assert tried.expires_at is not None
    assert tried.expires_at.year == 2099
    assert (tried.check_error, tried.checked_at is None) == ("", False)


@pytest.mark.parametrize("venue", [{"may_withdraw": True}], indirect=True)
def test_key_that_may_withdraw_is_refused(venue: BybitVenue) -> None:
    tried = credential()
    step = steps_of(tried)["permissions"]
    assert step.verdict == "FAILED"
    assert "withdraw" in step.sentence
    tried.refresh_from_db()
    assert tried.check_error == step.sentence


@pytest.mark.parametrize("venue", [{"read_only": True}], indirect=True)
def test_key_that_only_reads_is_refused(venue: BybitVenue) -> None:
    assert "may not send orders" in steps_of(credential())["permissions"].sentence


def test_wrong_secret_is_kept_as_the_brokers_refusal(venue: BybitVenue) -> None:
    tried = credential(secret="wrongWRONGwrongWRONG")
    with pytest.raises(AuthenticationFailed):
        steps_of(tried)
    tried.refresh_from_db()
    assert tried.check_error.startswith("the broker refuses it")
    assert "wrongWRONG" not in tried.check_error


def test_proposal_is_tried_before_anybody_approves_it(venue: BybitVenue) -> None:
    real = TradingAccountFactory(broker="BYBIT", mode="LIVE")
    proposed = credential(account=real, by=UserFactory())
    assert proposed.state == "PROPOSED"
    assert credentials_probe() == 1
    proposed.refresh_from_db()
    assert (proposed.state, proposed.checked_at is None) == ("PROPOSED", False)
    assert credentials_probe() == 0


def test_broker_that_is_away_is_asked_again_later(venue: BybitVenue) -> None:
    tried = credential()
    venue.stop()
    assert credentials_probe() == 0
    tried.refresh_from_db()
    assert tried.checked_at is None


GOOD = {"readOnly": 0, "permissions": {}, "ips": ["*"], "expiredAt": "1970-01-01T00:00:00Z"}


def test_key_without_an_end_never_expires() -> None:
    assert key_facts(GOOD).expires_at is None


@pytest.mark.parametrize(
    "change",
    [
        {"readOnly": "0"},
        {"readOnly": 7},
        {"permissions": None},
        {"permissions": {"Spot": "SpotTrade"}},
        {"permissions": {"Spot": [1]}},
        {"ips": {}},
        {"expiredAt": "tomorrow"},
        {"expiredAt": "2027-01-01"},
        {"expiredAt": 5},
    ],
)
def test_garbled_answer_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        key_facts({**GOOD, **change})
