"""What staff do in the admin goes through the services, by permission and on the record."""

from decimal import Decimal
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.messages import get_messages
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AccountMembership, Authenticator, TradingAccount, User
from apps.accounts.roles import Role
from apps.core.models import AuditEvent
from apps.reconciliation.models import Break
from apps.risk.models import RiskLimit, TradingState
from apps.strategies.loading import strategy_load
from apps.strategies.models import Deployment
from apps.strategies.services import strategy_version_record
from tests.factories.accounts import TOTPDeviceFactory, TradingAccountFactory, UserFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.reconciliation import BreakFactory
from tests.factories.risk import RiskLimitFactory, TradingStateFactory
from tests.factories.strategies import DeploymentFactory
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db


def staff(*roles: Role) -> Client:
    return signed_in(person(*roles, is_staff=True))


def url_of(row: Model | type[Model], page: str) -> str:
    args = [row.pk] if isinstance(row, Model) else []
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=args)


def act(client: Client, action: str, *rows: Model) -> Any:
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(url_of(type(rows[0]), "changelist"), chosen)


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def events() -> list[str]:
    rows = AuditEvent.objects.exclude(action="strategy_version.recorded").order_by("id")
    return list(rows.values_list("action", flat=True))


@pytest.fixture
def deployment() -> Deployment:
    version = strategy_version_record(loaded=strategy_load("moving_average_cross"))
    return DeploymentFactory(
        version=version, parameters={"fast": 5, "slow": 13}, instruments=[InstrumentFactory()]
    )


@pytest.fixture
def found() -> Break:
    return BreakFactory()


def test_risk_staff_start_and_stop_deployments(deployment: Deployment) -> None:
    client = staff(Role.RISK)

    assert messages_of(act(client, "start", deployment))[-1] == f"{deployment} has started."
    deployment.refresh_from_db()
    assert deployment.state == "RUNNING"
    assert messages_of(act(client, "stop", deployment))[-1] == f"{deployment} has stopped."
    deployment.refresh_from_db()
    assert deployment.state == "STOPPED"
    started, stopped = AuditEvent.objects.filter(action__startswith="deployment.st").order_by("id")
    assert (started.action, stopped.action) == ("deployment.started", "deployment.stopped")
    assert started.actor_label == stopped.actor_label != "desk"


def test_a_refusal_is_shown_and_the_others_are_still_dealt_with(deployment: Deployment) -> None:
    running = DeploymentFactory(state="RUNNING")
    response = act(staff(Role.RISK), "stop", running, deployment)

    assert sorted(messages_of(response)) == sorted(
        [f"{running} has stopped.", f"{deployment}: {deployment} is stopped already"]
    )


def test_a_strategy_that_does_not_load_is_not_started() -> None:
    broken = DeploymentFactory(instruments=[InstrumentFactory()])
    response = act(staff(Role.RISK), "start", broken)

    assert messages_of(response)[0].startswith(f"{broken}: ")
    broken.refresh_from_db()
    assert broken.state == "STOPPED"
    assert events() == []


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.COMPLIANCE, Role.OPERATOR])
def test_others_start_nothing(deployment: Deployment, role: Role) -> None:
    act(staff(role), "start", deployment)

    deployment.refresh_from_db()
    assert deployment.state == "STOPPED"
    assert events() == []


def test_a_limit_is_changed_by_a_new_version() -> None:
    old = RiskLimitFactory(account=TradingAccountFactory(), value=Decimal(100))
    response = staff(Role.RISK).post(
        url_of(RiskLimit, "add"),
        {
            "account": old.account_id,
            "kind": "ORDER_NOTIONAL",
            "value": "250.5",
            "reason": "calmer markets",
        },
    )

    assert response.status_code == 302
    new = RiskLimit.objects.get(is_current=True)
    assert (new.account_id, new.version, new.value) == (old.account_id, 2, Decimal("250.5"))
    event = AuditEvent.objects.get()
    assert (event.action, event.reason) == ("limit.set", "calmer markets")
    assert event.details["value_before"] == "100"


@pytest.mark.parametrize(
    "changes",
    [{"value": "-1"}, {"value": "NaN"}, {"value": ""}, {"reason": "  "}, {"kind": "LUCK"}],
)
def test_a_limit_that_cannot_be_is_refused_readably(changes: dict[str, str]) -> None:
    form = {"kind": "ORDER_NOTIONAL", "value": "100", "reason": "why not", **changes}
    response = staff(Role.RISK).post(url_of(RiskLimit, "add"), form, follow=True)

    assert response.status_code == 200
    assert not RiskLimit.objects.exists()
    assert events() == []


def test_two_scopes_at_once_are_refused() -> None:
    deployment = DeploymentFactory()
    form = {
        "account": deployment.account_id,
        "deployment": deployment.pk,
        "state": "HALTED",
        "reason": "drill",
    }
    response = staff(Role.RISK).post(url_of(TradingState, "add"), form)

    assert "not both" in response.content.decode()
    assert not TradingState.objects.exists()


def test_stored_limits_are_read_only() -> None:
    limit = RiskLimitFactory()
    client = staff(Role.RISK)

    assert client.post(url_of(limit, "change"), {"value": "1"}).status_code == 403
    assert client.post(url_of(limit, "delete"), {"post": "yes"}).status_code == 403
    assert RiskLimit.objects.get() == limit


def test_the_desk_is_halted_and_set_going_again() -> None:
    client = staff(Role.RISK)
    client.post(url_of(TradingState, "add"), {"state": "HALTED", "reason": "drill"})
    switch = TradingState.objects.get()
    assert (switch.account, switch.deployment, switch.state) == (None, None, "HALTED")
    client.post(url_of(switch, "change"), {"state": "ACTIVE", "reason": "drill is over"})

    switch.refresh_from_db()
    assert (switch.state, switch.reason) == ("ACTIVE", "drill is over")
    assert events() == ["trading_state.set"] * 2


def test_adding_the_switch_of_an_account_again_turns_the_one_that_is_there() -> None:
    switch = TradingStateFactory()
    form = {"account": switch.account_id, "state": "REDUCING", "reason": "thin book"}
    staff(Role.RISK).post(url_of(TradingState, "add"), form)

    assert TradingState.objects.get(account=switch.account_id).state == "REDUCING"


def test_a_switch_keeps_its_scope_and_is_not_deleted() -> None:
    switch = TradingStateFactory(account=None)
    other = TradingAccountFactory()
    client = staff(Role.RISK)
    client.post(
        url_of(switch, "change"), {"account": other.pk, "state": "HALTED", "reason": "drill"}
    )

    switch.refresh_from_db()
    assert (switch.account, switch.state) == (None, "HALTED")
    assert client.post(url_of(switch, "delete"), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("role", [Role.TRADER, Role.COMPLIANCE, Role.OPERATOR, Role.AUDITOR])
def test_only_risk_staff_turn_switches_and_set_limits(role: Role) -> None:
    client = staff(role)
    form = {"state": "HALTED", "kind": "ORDER_NOTIONAL", "value": "1", "reason": "mine"}

    assert client.post(url_of(TradingState, "add"), form).status_code == 403
    assert client.post(url_of(RiskLimit, "add"), form).status_code == 403
    assert events() == []


@pytest.mark.parametrize("role", [Role.RISK, Role.COMPLIANCE])
def test_a_break_is_resolved_with_a_sentence(found: Break, role: Role) -> None:
    response = staff(role).post(url_of(found, "change"), {"resolution": "a fee, now booked"})

    assert response.status_code == 302
    found.refresh_from_db()
    assert (found.state, found.resolution) == ("RESOLVED", "a fee, now booked")
    assert found.resolved_at is not None
    event = AuditEvent.objects.get()
    assert (event.action, event.reason) == ("break.resolved", "a fee, now booked")


def test_a_break_is_not_resolved_without_a_sentence_and_nothing_else_of_it_changes(
    found: Break,
) -> None:
    client = staff(Role.COMPLIANCE)
    client.post(url_of(found, "change"), {"resolution": " "})
    client.post(url_of(found, "change"), {"state": "RESOLVED", "description": "nothing"})

    stored = Break.objects.get()
    assert (stored.state, stored.description) == ("OPEN", found.description)
    assert events() == []


def test_a_resolved_break_is_closed(found: Break) -> None:
    client = staff(Role.COMPLIANCE)
    client.post(url_of(found, "change"), {"resolution": "a fee"})

    assert client.post(url_of(found, "change"), {"resolution": "or not"}).status_code == 403
    assert client.get(url_of(found, "change")).status_code == 200
    assert Break.objects.get().resolution == "a fee"


def test_a_break_that_a_colleague_resolved_meanwhile_is_said(
    found: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_before = Break.objects.get()
    Break.objects.update(state="RESOLVED", resolution="by hand", resolved_at=found.opened_at)
    monkeypatch.setattr(
        "apps.reconciliation.admin.BreakAdmin.get_object", lambda *_, **__: from_before
    )
    response = staff(Role.COMPLIANCE).post(url_of(found, "change"), {"resolution": "late"})

    assert "resolved already" in messages_of(response)[0]
    assert Break.objects.get().resolution == "by hand"
    assert events() == []


@pytest.mark.parametrize("role", [Role.TRADER, Role.OPERATOR, Role.AUDITOR])
def test_others_resolve_nothing(found: Break, role: Role) -> None:
    client = staff(role)

    assert client.post(url_of(found, "change"), {"resolution": "mine"}).status_code == 403
    assert client.post(url_of(found, "delete"), {"post": "yes"}).status_code == 403
    assert Break.objects.get().state == "OPEN"


def test_an_operator_adds_and_ends_memberships() -> None:
    client = staff(Role.OPERATOR)
    account, user = TradingAccountFactory(), UserFactory()
    form = {"account": account.pk, "user": user.pk}
    client.post(url_of(AccountMembership, "add"), form)
    membership = AccountMembership.objects.get()
    assert client.post(url_of(membership, "change"), form).status_code == 403
    client.post(url_of(membership, "delete"), {"post": "yes"})

    assert not AccountMembership.objects.exists()
    assert events() == ["account.member_added", "account.member_removed"]


def test_memberships_that_are_ended_together_are_each_recorded() -> None:
    client = staff(Role.OPERATOR)
    rows = [
        AccountMembership.objects.create(account=TradingAccountFactory(), user=UserFactory())
        for _ in range(2)
    ]
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}
    client.post(url_of(AccountMembership, "changelist"), {**chosen, "post": "yes"})

    assert not AccountMembership.objects.exists()
    assert events() == ["account.member_removed"] * 2


def test_an_operator_opens_an_account_that_then_stays_what_it_is() -> None:
    client = staff(Role.OPERATOR)
    form = {"name": "alpha", "broker": "PAPER", "mode": "PAPER", "base_currency": "USDT"}
    client.post(url_of(TradingAccount, "add"), {**form, "is_active": "on"})
    account = TradingAccount.objects.get()
    client.post(url_of(account, "change"), {**form, "broker": "BYBIT", "name": "beta"})

    account.refresh_from_db()
    assert (account.name, account.broker, account.is_active) == ("alpha", "PAPER", False)
    assert events() == ["account.created", "account.changed"]
    values = AuditEvent.objects.latest("id").details["values"]
    assert values == {"is_active": {"before": "True", "after": "False"}}


def test_an_operator_adds_a_person_whose_password_stays_out_of_the_trail() -> None:
    form = {
        "email": "NEW@desk.example",
        "usable_password": "true",
        "password1": "seven wet umbrellas",
        "password2": "seven wet umbrellas",
    }
    staff(Role.OPERATOR).post(url_of(User, "add"), form)

    user = User.objects.get(email="new@desk.example")
    assert user.check_password("seven wet umbrellas")
    event = AuditEvent.objects.get()
    assert event.action == "user.created"
    assert "umbrellas" not in str(event.details)


def test_an_operator_gives_a_new_password_on_the_record() -> None:
    user = UserFactory()
    url = reverse("admin:auth_user_password_change", args=[user.pk])
    new = {"password1": "seven wet umbrellas", "password2": "seven wet umbrellas"}
    staff(Role.OPERATOR).post(url, {**new, "usable_password": "true"})

    user.refresh_from_db()
    assert user.check_password("seven wet umbrellas")
    assert events() == ["user.changed"]
    assert "umbrellas" not in str(AuditEvent.objects.get().details)


def test_roles_are_given_by_an_operator_but_not_to_oneself() -> None:
    operator, other = person(Role.OPERATOR, is_staff=True), UserFactory()
    client = signed_in(operator)
    risk = operator.groups.model.objects.get(name=Role.RISK)
    for user in (operator, other):
        client.post(
            url_of(user, "change"),
            {"email": user.email, "full_name": "x", "groups": [risk.pk], "is_superuser": "on"},
        )

    assert {group.name for group in operator.groups.all()} == {Role.OPERATOR}
    assert {group.name for group in other.groups.all()} == {Role.RISK}
    assert not User.objects.filter(is_superuser=True).exists()


def test_a_superuser_is_out_of_an_operators_reach(superuser: User) -> None:
    client = staff(Role.OPERATOR)
    TOTPDeviceFactory(user=superuser)
    url = reverse("admin:auth_user_password_change", args=[superuser.pk])
    new = {"password1": "seven wet umbrellas", "password2": "seven wet umbrellas"}

    assert client.post(url, new).status_code == 403
    assert client.post(url_of(superuser, "change"), {"full_name": "x"}).status_code == 403
    response = act(client, "reset_second_factor", superuser)
    assert messages_of(response) == [f"{superuser} is for superusers only."]
    assert Authenticator.objects.filter(user=superuser).exists()
    assert events() == []


def test_an_operator_resets_a_second_factor() -> None:
    device = TOTPDeviceFactory()
    act(staff(Role.OPERATOR), "reset_second_factor", device.user)

    assert not Authenticator.objects.filter(user=device.user).exists()
    assert events() == ["user.second_factor_reset"]


def test_an_operator_ends_a_pause_and_an_auditor_cannot() -> None:
    attempt = AccessAttempt.objects.create(
        username="tara@desk.example", ip_address="192.0.2.1", failures_since_start=5
    )
    act(staff(Role.AUDITOR), "end_pause", attempt)
    assert AccessAttempt.objects.exists()
    act(staff(Role.OPERATOR), "end_pause", attempt)

    assert not AccessAttempt.objects.exists()
    assert events() == ["sign_in.lockout_ended"]
