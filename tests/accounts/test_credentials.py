"""What opens an account is sealed, agreed on by two people, and repeated nowhere."""

import json
import logging
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import serializers
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from apps.accounts.models import Broker, BrokerCredential, TradingAccount, TradingMode, User
from apps.accounts.selectors import (
    CredentialMissing,
    credential_active,
    credential_read,
)
from apps.accounts.services import (
    CredentialRefused,
    credential_approve,
    credential_check_record,
    credential_decline,
    credential_revoke,
    credential_store,
)
from apps.core.clock import standing_at
from apps.core.models import AuditEvent
from apps.core.sealing import SealBroken, key_entry_generate
from tests.factories.accounts import TradingAccountFactory, UserFactory, credential_in_use
from tests.workers import together

pytestmark = pytest.mark.django_db

KEY, SECRET = "canary-key-000000-AB12", "canary-secret-9b1d"
VALUES = {"api_key": KEY, "api_secret": SECRET}
State = BrokerCredential.State


@pytest.fixture
def maker() -> User:
    return UserFactory()


@pytest.fixture
def checker() -> User:
    return UserFactory()


@pytest.fixture
def live() -> TradingAccount:
    return TradingAccountFactory(name="live", broker=Broker.BYBIT, mode=TradingMode.LIVE)


@pytest.fixture
def on_testnet() -> TradingAccount:
    return TradingAccountFactory(name="testnet", broker=Broker.BYBIT, mode=TradingMode.TEST)


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def test_a_credential_to_real_money_is_used_only_after_a_second_persons_approval(
    live: TradingAccount, maker: User, checker: User
) -> None:
    proposal = credential_store(account=live, values=VALUES, by=maker, reason="first key")
    assert proposal.state == State.PROPOSED
    with pytest.raises(CredentialMissing, match="awaits the approval of a second person"):
        credential_read(account=live)
    approved = credential_approve(credential=proposal, by=checker)
    assert (approved.state, approved.hint) == (State.ACTIVE, "AB12")
    assert credential_read(account=live) == VALUES
    assert actions() == ["credential.proposed", "credential.approved"]


def test_whoever_proposed_cannot_approve(live: TradingAccount, maker: User) -> None:
    proposal = credential_store(account=live, values=VALUES, by=maker)
    with pytest.raises(CredentialRefused, match="another person has to approve"):
        credential_approve(credential=proposal, by=maker)
    proposal.refresh_from_db()
    assert proposal.state == State.PROPOSED
    assert actions() == ["credential.proposed"]


def test_the_database_itself_refuses_a_credential_that_one_person_made_usable(
    live: TradingAccount, maker: User
) -> None:
    proposal = credential_store(account=live, values=VALUES, by=maker)
    rows = BrokerCredential.objects.filter(pk=proposal.pk)
    for changes in ({"decided_by": maker}, {"decided_by": None}):
        with pytest.raises(IntegrityError, match="another_person"), transaction.atomic():
            rows.update(state=State.ACTIVE, **changes)


def test_nobody_unnamed_gives_a_key_to_real_money(live: TradingAccount) -> None:
    with pytest.raises(CredentialRefused, match="somebody must answer"):
        credential_store(account=live, values=VALUES)
    assert not BrokerCredential.objects.exists()


def test_on_a_test_network_one_person_is_enough(on_testnet: TradingAccount) -> None:
    assert credential_store(account=on_testnet, values=VALUES).state == State.ACTIVE
    assert credential_read(account=on_testnet) == VALUES


@pytest.mark.parametrize("mode", TradingMode.values)
def test_angel_one_has_no_test_network_so_that_two_people_are_needed_whatever_the_mode(
    mode: str, maker: User
) -> None:
    account = TradingAccountFactory(broker=Broker.ANGELONE, mode=mode)
    values = {"api_key": KEY, "client_code": "A1", "pin": "1234", "totp_secret": "JBSWY3DPEHPK3PXP"}
    assert credential_store(account=account, values=values, by=maker).state == State.PROPOSED


def test_a_new_version_ends_the_old_one_and_destroys_its_secrets(live: TradingAccount) -> None:
    old = credential_in_use(live, VALUES)
    newer = credential_in_use(live, {**VALUES, "api_secret": "another-secret"})
    old.refresh_from_db()
    assert (old.state, old.sealed_values) == (State.SUPERSEDED, "")
    assert old.ended_at is not None
    assert credential_active(account=live) == newer
    assert credential_read(account=live)["api_secret"] == "another-secret"
    assert actions()[-2:] == ["credential.superseded", "credential.approved"]


def test_the_old_version_is_used_while_the_new_one_waits(live: TradingAccount, maker: User) -> None:
    credential_in_use(live, VALUES)
    credential_store(account=live, values={**VALUES, "api_secret": "newer"}, by=maker)
    assert credential_read(account=live) == VALUES


def test_a_declined_proposal_loses_its_secrets_and_makes_room_for_another(
    live: TradingAccount, maker: User, checker: User
) -> None:
    proposal = credential_store(account=live, values=VALUES, by=maker)
    with pytest.raises(CredentialRefused, match="approved or declined first"):
        credential_store(account=live, values=VALUES, by=checker)
    declined = credential_decline(credential=proposal, by=checker, reason="not announced")
    assert (declined.state, declined.sealed_values) == (State.DECLINED, "")
    with pytest.raises(CredentialRefused, match="awaits no approval: declined"):
        credential_approve(credential=proposal, by=checker)
    credential_store(account=live, values=VALUES, by=maker)


def test_one_person_alone_can_revoke_with_a_reason(live: TradingAccount, maker: User) -> None:
    credential = credential_in_use(live, VALUES)
    with pytest.raises(CredentialRefused, match="a reason is needed"):
        credential_revoke(credential=credential, by=maker, reason=" ")
    revoked = credential_revoke(credential=credential, by=maker, reason="it leaked")
    assert (revoked.state, revoked.sealed_values) == (State.REVOKED, "")
    with pytest.raises(CredentialMissing, match=r"manage\.py credential set live"):
        credential_read(account=live)


@pytest.mark.django_db(transaction=True)
def test_of_two_proposals_and_two_approvals_at_once_one_each_wins(
    live: TradingAccount, maker: User, checker: User
) -> None:
    refused = together(
        *[lambda: credential_store(account=live, values=VALUES, by=maker) for _ in range(2)]
    )
    assert [type(each) for each in refused] == [CredentialRefused]
    proposal = BrokerCredential.objects.get()
    refused = together(
        *[lambda: credential_approve(credential=proposal, by=checker) for _ in range(2)]
    )
    assert [type(each) for each in refused] == [CredentialRefused]
    assert actions() == ["credential.proposed", "credential.approved"]


def test_a_credential_for_market_data_stands_beside_the_one_for_trading(
    on_testnet: TradingAccount,
) -> None:
    credential_store(account=on_testnet, values=VALUES)
    values = {**VALUES, "api_key": "canary-key-for-data"}
    credential_store(account=on_testnet, values=values, purpose="DATA")
    assert credential_read(account=on_testnet) == VALUES
    assert credential_read(account=on_testnet, purpose="DATA") == values


def test_a_key_that_has_ended_is_refused(on_testnet: TradingAccount) -> None:
    yesterday = datetime(2026, 1, 1, tzinfo=UTC)
    with (
        standing_at(yesterday + timedelta(days=1)),
        pytest.raises(CredentialRefused, match="the key ended on 2026-01-01"),
    ):
        credential_store(account=on_testnet, values=VALUES, expires_at=yesterday)


def test_what_the_broker_says_is_kept_and_recorded_when_it_changes(
    on_testnet: TradingAccount,
) -> None:
    credential = credential_store(account=on_testnet, values=VALUES)
    ends = datetime(2027, 3, 1, tzinfo=UTC)
    for _ in range(2):
        credential_check_record(
            credential=credential, permissions=["Spot", "ContractTrade"], expires_at=ends
        )
    credential_check_record(credential=credential, error="API key is invalid.")
    credential.refresh_from_db()
    assert credential.permissions == ["ContractTrade", "Spot"]
    assert (credential.expires_at, credential.check_error) == (ends, "API key is invalid.")
    assert credential.checked_at is not None
    assert actions().count("credential.checked") == 2


def test_a_broker_that_repeats_what_it_was_sent_does_not_bring_it_into_the_database(
    on_testnet: TradingAccount,
) -> None:
    credential = credential_store(account=on_testnet, values=VALUES)
    said = f"apiKey {KEY} with sign {SECRET} is invalid"
    checked = credential_check_record(credential=credential, error=said)
    assert checked.check_error == "apiKey … with sign … is invalid"
    assert KEY not in str(list(AuditEvent.objects.values()))


def test_no_value_shows_in_the_row_its_text_its_history_or_the_log(
    live: TradingAccount, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    credential = credential_in_use(live, VALUES)
    with connection.cursor() as cursor:
        cursor.execute("SELECT c::text FROM accounts_brokercredential AS c")
        stored = cursor.fetchall()
    audit = list(AuditEvent.objects.values())
    shown = [
        *(repr(credential), str(credential), repr(vars(credential)), caplog.text, str(stored)),
        *(serializers.serialize("json", [credential]), str(audit)),
    ]
    assert not [text for text in shown if KEY in text or SECRET in text]


@pytest.mark.parametrize(
    "values",
    [
        {"api_key": KEY},
        {**VALUES, "pin": SECRET},
        {**VALUES, "api_secret": f"{SECRET} "},
        {**VALUES, "api_secret": f"{SECRET}\n"},
        {**VALUES, "api_secret": f"{SECRET}ü"},
        {**VALUES, "api_secret": SECRET * 20},
    ],
)
def test_a_refusal_repeats_no_value_and_writes_nothing(
    live: TradingAccount, maker: User, values: dict[str, Any]
) -> None:
    with pytest.raises(CredentialRefused) as refused:
        credential_store(account=live, values=values, by=maker)
    text = "".join(traceback.format_exception(refused.value))
    assert KEY not in text
    assert SECRET not in text
    assert not BrokerCredential.objects.exists()
    assert actions() == []


def test_values_copied_into_another_row_do_not_open(
    live: TradingAccount, on_testnet: TradingAccount
) -> None:
    theirs = credential_in_use(live, VALUES)
    mine = credential_store(account=on_testnet, values={**VALUES, "api_secret": "mine"})
    BrokerCredential.objects.filter(pk=mine.pk).update(sealed_values=theirs.sealed_values)
    with pytest.raises(SealBroken, match="moved from another row"):
        credential_read(account=on_testnet)


def test_without_the_key_the_values_are_lost_and_the_sentence_says_what_to_do(
    on_testnet: TradingAccount, settings: Settings
) -> None:
    credential_store(account=on_testnet, values=VALUES)
    settings.SEALING_KEYS = key_entry_generate("another")
    with pytest.raises(SealBroken, match="'test', which this process does not have"):
        credential_read(account=on_testnet)


def test_the_values_that_were_sealed_are_those_that_were_given(on_testnet: TradingAccount) -> None:
    credential = credential_store(account=on_testnet, values=VALUES)
    assert json.loads(credential.field_unseal("sealed_values")) == VALUES
    assert credential.names == ["api_key", "api_secret"]
