"""A limit has versions; the current ones of desk, account and deployment all count."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.core.models import AuditEvent
from apps.risk.models import RiskLimit
from apps.risk.selectors import limit_list_applying
from apps.risk.services import RiskChangeRefused, limit_set
from tests.core.psql import psql
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.strategies import DeploymentFactory
from tests.workers import together

D = Decimal


@pytest.mark.django_db
def test_new_version_becomes_current_and_the_old_one_is_kept() -> None:
    account, colin = TradingAccountFactory(), UserFactory(email="colin@desk.example")
    for value in ("100", "250.5"):
        limit_set(
            account=account,
            kind="ORDER_NOTIONAL",
            value=D(value),
            actor=colin,
            reason="quarterly review",
        )
    kept = RiskLimit.objects.order_by("version").values_list("version", "value", "is_current")
    assert list(kept) == [(1, D(100), False), (2, D("250.5"), True)]
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.actor_label, event.reason) == (
        "limit.set",
        "colin@desk.example",
        "quarterly review",
    )
    assert event.details["value_before"] == "100"
    assert event.details["value_after"] == "250.5"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"value": D(-1)}, "zero or more"),
        ({"value": D("NaN")}, "cannot be NaN"),
        ({"value": D("1E30")}, "must be below"),
        ({"kind": "MOOD"}, "unknown kind of limit 'MOOD'; expected one of"),
        ({"reason": "  "}, "needs a reason"),
        ({"reason": "r" * 401}, "at most 400 characters"),
    ],
    ids=str,
)
def test_limit_that_makes_no_sense_is_refused_and_nothing_is_written(
    changes: dict[str, Any], complaint: str
) -> None:
    values: dict[str, Any] = {
        "kind": "ORDER_NOTIONAL",
        "value": D(1),
        "actor": None,
        "reason": "first",
        **changes,
    }
    with pytest.raises(RiskChangeRefused, match=complaint):
        limit_set(**values)
    assert RiskLimit.objects.exists() is False
    assert AuditEvent.objects.filter(action="limit.set").exists() is False


@pytest.mark.django_db
def test_limit_has_one_scope() -> None:
    deployment = DeploymentFactory()
    with pytest.raises(RiskChangeRefused, match="not both"):
        limit_set(
            account=deployment.account,
            deployment=deployment,
            kind="ORDER_NOTIONAL",
            value=D(1),
            actor=None,
            reason="first",
        )
    with pytest.raises(IntegrityError, match="limit_has_one_scope"), transaction.atomic():
        RiskLimit.objects.create(
            account=deployment.account, deployment=deployment, kind="ORDER_NOTIONAL", value=D(1)
        )


@pytest.mark.django_db
def test_current_limits_of_desk_account_and_deployment_apply_and_no_others() -> None:
    deployment = DeploymentFactory()
    scopes: list[dict[str, Any]] = [
        {"deployment": deployment},
        {"account": deployment.account},
        {},
        {"deployment": DeploymentFactory()},
        {"account": TradingAccountFactory()},
    ]
    for scope in scopes:
        for value in (1, 2):
            limit_set(**scope, kind="DAILY_LOSS", value=D(value), actor=None, reason="first limits")
    found = limit_list_applying(
        account=deployment.account, deployment=deployment, instrument=InstrumentFactory()
    )
    assert sorted((each.scope, each.value, each.version) for each in found) == [
        ("account", D(2), 2),
        ("deployment", D(2), 2),
        ("desk", D(2), 2),
    ]
    by_hand = limit_list_applying(
        account=deployment.account, deployment=None, instrument=InstrumentFactory()
    )
    assert sorted(each.scope for each in by_hand) == ["account", "desk"]


@pytest.mark.django_db(transaction=True)
def test_limit_set_by_many_at_once_gets_a_version_each_and_one_current() -> None:
    account = TradingAccountFactory()

    def set_to(value: int) -> Callable[[], object]:
        return lambda: limit_set(
            account=account, kind="DAILY_LOSS", value=D(value), actor=None, reason="at once"
        )

    assert together(*[set_to(value) for value in range(6)]) == []
    versions = RiskLimit.objects.order_by("version").values_list("version", flat=True)
    assert list(versions) == [1, 2, 3, 4, 5, 6]
    assert RiskLimit.objects.get(is_current=True).version == 6
    assert AuditEvent.objects.filter(action="limit.set").count() == 6


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE risk_risklimit SET value = value * 2",
        "UPDATE risk_risklimit SET version = 9",
        "UPDATE risk_risklimit SET is_current = false, value = 0",
        "UPDATE risk_risklimit SET is_current = true WHERE NOT is_current",
        "DELETE FROM risk_risklimit",
        "TRUNCATE risk_risklimit CASCADE",
    ],
)
def test_psql_cannot_rewrite_the_version_that_a_decision_quotes(attack: str) -> None:
    for value in (1, 2):
        limit_set(kind="DAILY_LOSS", value=D(value), actor=None, reason="first")
    before = list(RiskLimit.objects.order_by("pk").values())
    ended = psql(attack)
    assert ended.returncode != 0
    assert list(RiskLimit.objects.order_by("pk").values()) == before
