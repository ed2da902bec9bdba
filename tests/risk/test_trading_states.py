"""Of the states of desk, account and deployment the strictest one counts."""

from itertools import product
from typing import Any

import pytest

from apps.core.models import AuditEvent
from apps.risk.models import TradingState
from apps.risk.selectors import trading_state_effective
from apps.risk.services import RiskChangeRefused, trading_state_set
from tests.factories.accounts import UserFactory
from tests.factories.strategies import DeploymentFactory

pytestmark = pytest.mark.django_db
STATES = ("ACTIVE", "REDUCING", "HALTED")


@pytest.mark.parametrize(("desk", "account", "deployment"), list(product(STATES, repeat=3)))
def test_strictest_state_counts(desk: str, account: str, deployment: str) -> None:
    made = DeploymentFactory()
    scopes: dict[str, dict[str, Any]] = {
        "desk": {},
        "account": {"account": made.account},
        "deployment": {"deployment": made},
    }
    wanted = {"desk": desk, "account": account, "deployment": deployment}
    for name, scope in scopes.items():
        trading_state_set(**scope, state=wanted[name], actor=None, reason=f"of the {name}")
    state, reason = trading_state_effective(account=made.account, deployment=made)
    strictest = max(STATES.index(each) for each in wanted.values())
    assert state == STATES[strictest]
    if state == "ACTIVE":
        assert reason == ""
    else:
        named, _, words = reason.partition(": ")
        assert wanted[named] == state
        assert words == f"of the {named}"


def test_where_nobody_has_set_a_state_trading_is_active() -> None:
    made = DeploymentFactory()
    assert trading_state_effective(account=made.account, deployment=made) == ("ACTIVE", "")


def test_state_of_another_account_or_deployment_does_not_count() -> None:
    made, other = DeploymentFactory(), DeploymentFactory()
    trading_state_set(account=other.account, state="HALTED", actor=None, reason="theirs")
    trading_state_set(deployment=other, state="HALTED", actor=None, reason="theirs")
    assert trading_state_effective(account=made.account, deployment=made) == ("ACTIVE", "")
    trading_state_set(deployment=made, state="HALTED", actor=None, reason="this one only")
    assert trading_state_effective(account=made.account, deployment=None) == ("ACTIVE", "")


def test_change_says_who_from_what_to_what_and_why() -> None:
    colin = UserFactory(email="colin@desk.example")
    trading_state_set(state="REDUCING", actor=colin, reason="  high volatility  ")
    row = trading_state_set(state="HALTED", actor=colin, reason="exchange outage")
    assert TradingState.objects.get() == row
    assert str(row) == "desk: HALTED"
    events = AuditEvent.objects.filter(action="trading_state.set").order_by("pk")
    assert [event.details for event in events] == [
        {"state_before": "ACTIVE", "state_after": "REDUCING"},
        {"state_before": "REDUCING", "state_after": "HALTED"},
    ]
    assert events[1].actor_label == "colin@desk.example"
    assert row.reason == "exchange outage"


@pytest.mark.parametrize(
    ("state", "reason", "complaint"),
    [("ASLEEP", "why", "unknown trading state 'ASLEEP'"), ("HALTED", "", "needs a reason")],
)
def test_change_that_makes_no_sense_is_refused_and_nothing_is_written(
    state: str, reason: str, complaint: str
) -> None:
    with pytest.raises(RiskChangeRefused, match=complaint):
        trading_state_set(state=state, actor=None, reason=reason)
    assert TradingState.objects.exists() is False


def test_state_has_one_scope() -> None:
    made = DeploymentFactory()
    with pytest.raises(RiskChangeRefused, match="not both"):
        trading_state_set(
            account=made.account, deployment=made, state="HALTED", actor=None, reason="why"
        )
    assert TradingState.objects.exists() is False
