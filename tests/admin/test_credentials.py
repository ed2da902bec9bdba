"""The admin takes credentials from one person, has another approve them, and shows no value."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Broker, BrokerCredential, TradingAccount, TradingMode
from apps.accounts.roles import Role
from apps.accounts.selectors import credential_read
from apps.core.models import AuditEvent
from tests.factories.accounts import TradingAccountFactory
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db

KEY, SECRET = "canary-key-000000-AB12", "canary-secret-9b1d"
LIST = reverse("admin:accounts_brokercredential_changelist")
ADD = reverse("admin:accounts_brokercredential_add")


@pytest.fixture
def account() -> TradingAccount:
    return TradingAccountFactory(name="live", broker=Broker.BYBIT, mode=TradingMode.LIVE)


def staff(role: Role) -> Client:
    return signed_in(person(role, is_staff=True))


def typed(account: TradingAccount, **changes: str) -> dict[str, object]:
    return {
        "account": account.pk,
        "purpose": "TRADE",
        "api_key": KEY,
        "api_secret": SECRET,
        "expires_at_0": "2099-01-01",
        "expires_at_1": "00:00:00",
        "reason": "first key",
        **changes,
    }


def act(client: Client, action: str) -> str:
    chosen = [str(each.pk) for each in BrokerCredential.objects.all()]
    response = client.post(LIST, {"action": action, "_selected_action": chosen}, follow=True)
    return response.content.decode()


def test_one_person_enters_and_another_approves(account: TradingAccount) -> None:
    response = staff(Role.OPERATOR).post(ADD, typed(account), follow=True)
    assert response.status_code == 200
    assert SECRET not in response.content.decode()
    page = act(staff(Role.RISK), "approve")
    assert "In use" in page
    assert credential_read(account=account) == {"api_key": KEY, "api_secret": SECRET}
    assert BrokerCredential.objects.get().expires_at is not None


def test_an_operator_cannot_approve_not_even_anothers(account: TradingAccount) -> None:
    staff(Role.OPERATOR).post(ADD, typed(account))
    act(staff(Role.OPERATOR), "approve")
    assert BrokerCredential.objects.get().state == "PROPOSED"


def test_a_superuser_cannot_approve_their_own(
    superuser_client: Client, account: TradingAccount
) -> None:
    superuser_client.post(ADD, typed(account))
    assert "another person has to approve" in act(superuser_client, "approve")
    assert BrokerCredential.objects.get().state == "PROPOSED"


@pytest.mark.parametrize("role", [Role.TRADER, Role.RISK, Role.COMPLIANCE, Role.AUDITOR])
def test_other_roles_enter_nothing(role: Role, account: TradingAccount) -> None:
    assert staff(role).post(ADD, typed(account)).status_code == 403
    assert not BrokerCredential.objects.exists()


def test_no_page_shows_a_value_to_anybody(
    superuser_client: Client, account: TradingAccount
) -> None:
    superuser_client.post(ADD, typed(account))
    credential = BrokerCredential.objects.get()
    row = str(credential.pk)
    pages = [
        LIST,
        reverse("admin:accounts_brokercredential_change", args=[row]),
        reverse("admin:accounts_brokercredential_history", args=[row]),
        reverse("admin:core_auditevent_changelist"),
        reverse("admin:accounts_tradingaccount_change", args=[account.pk]),
    ]
    for page in pages:
        text = superuser_client.get(page, follow=True).content.decode()
        assert "AB12" in text or page.endswith(f"tradingaccount/{account.pk}/change/"), page
        for hidden in (KEY, SECRET, credential.sealed_values):
            assert hidden not in text, page
    assert SECRET not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"api_secret": ""}, "missing: api_secret"),
        ({"pin": "1234"}, "BYBIT knows only api_key, api_secret"),
        ({"api_secret": f"{SECRET} two"}, "api_secret may hold letters"),
        ({"reason": ""}, "This field is required"),
        ({"expires_at_0": "2020-01-01"}, "the key ended on 2020-01-01"),
    ],
)
def test_a_refused_form_says_why_and_sends_no_value_back(
    superuser_client: Client, account: TradingAccount, changes: dict[str, str], sentence: str
) -> None:
    page = superuser_client.post(ADD, typed(account, **changes), follow=True).content.decode()
    assert sentence in page
    assert SECRET not in page
    assert KEY not in page
    assert not BrokerCredential.objects.exists()


def test_a_proposal_is_declined_and_one_in_use_is_revoked(account: TradingAccount) -> None:
    operator, risk = staff(Role.OPERATOR), staff(Role.RISK)
    operator.post(ADD, typed(account))
    assert "Declined" in act(risk, "decline")
    operator.post(ADD, typed(account))
    act(risk, "approve")
    assert "Revoked" in act(operator, "revoke")
    assert set(BrokerCredential.objects.values_list("state", "sealed_values")) == {
        ("DECLINED", ""),
        ("REVOKED", ""),
    }
