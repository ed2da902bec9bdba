"""Versions, deployments and signals: recorded once, changed only by services, refused in words."""

import re
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import TradingMode
from apps.core.models import AuditEvent
from apps.marketdata.models import InstrumentKind
from apps.strategies.domain.signals import Decision
from apps.strategies.loading import ParametersRefused, StrategyUnloadable, strategy_load
from apps.strategies.models import Deployment, Signal, StrategyVersion
from apps.strategies.selectors import deployment_list_running
from apps.strategies.services import (
    DeploymentRefused,
    deployment_create,
    deployment_fail,
    deployment_start,
    deployment_stop,
    signal_record,
    strategy_version_record,
)
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.factories.marketdata import InstrumentFactory
from tests.strategies.markets import bar_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> StrategyVersion:
    return strategy_version_record(loaded=strategy_load("moving_average_cross"))


def created(version: StrategyVersion, **changes: Any) -> Deployment:
    values: dict[str, Any] = {
        "name": "trend",
        "version": version,
        "account": TradingAccountFactory(),
        "instruments": [InstrumentFactory()],
        "timeframe": "5m",
        "parameters": {"fast": 5},
        "sizing_method": "FRACTION_OF_EQUITY",
        "sizing_value": Decimal("0.5"),
        "actor": UserFactory(),
    }
    return deployment_create(**{**values, **changes})


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def test_version_is_recorded_once_per_source(version: StrategyVersion) -> None:
    again = strategy_version_record(loaded=strategy_load("moving_average_cross"))
    assert again == version
    assert actions() == ["strategy_version.recorded"]
    assert "fast" in version.parameters_schema["properties"]
    assert str(version) == f"moving_average_cross@{version.source_sha256[:8]}"


def test_deployment_is_created_as_a_draft_with_every_parameter_written_out(
    version: StrategyVersion,
) -> None:
    deployment = created(version)
    assert deployment.state == "DRAFT"
    assert deployment.parameters["fast"] == 5
    assert deployment.parameters["slow"] == 30
    assert actions()[-1] == "deployment.created"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"timeframe": "7m"}, "timeframe '7m' is unknown; known are 1m"),
        ({"instruments": []}, "name at least one instrument"),
        ({"sizing_method": "ALL_IN"}, "sizing 'ALL_IN' is unknown; known are FIXED_QUANTITY"),
        ({"sizing_value": Decimal(0)}, "must be above 0, was 0"),
        ({"sizing_value": Decimal("NaN")}, "must be above 0, was NaN"),
        ({"sizing_value": Decimal(2)}, "must be at most 1, was 2; 0.1 is 10 %"),
        (
            {"sizing_method": "FIXED_QUANTITY", "sizing_value": Decimal("0.0001")},
            "quantity 0.0001 is below the lot size 0.001",
        ),
        ({"sizing_method": "FRACTIONAL_KELLY"}, "a Kelly stake needs a cap: set sizing_cap_ratio"),
        (
            {"sizing_method": "FRACTIONAL_KELLY", "sizing_cap_ratio": Decimal("1.5")},
            "cap of the stake must be above 0 and at most 1 times the equity, was 1.5",
        ),
        ({"sizing_cap_ratio": Decimal(0)}, "at most 10 times the equity, was 0"),
        (
            {"sizing_method": "VOLATILITY_TARGET", "sizing_value": Decimal("1.1")},
            "that one average true range may move must be at most 1, was 1.1; 0.01 is 1 %",
        ),
        (
            {"maximum_slippage_bps": Decimal(-1)},
            "the maximum slippage must be from 0 to 5000 basis points, was -1",
        ),
        ({"collar_bps": Decimal("Infinity")}, "the collar must be from 0 to 5000 basis points"),
        ({"on_halt": "WAIT"}, "on_halt must be KEEP or CLOSE, was 'WAIT'"),
        ({"mode": TradingMode.LIVE}, "mode LIVE does not fit account"),
        ({"name": "two words"}, "name: Enter a valid"),
    ],
)
def test_deployment_that_does_not_fit_is_refused_and_not_kept(
    version: StrategyVersion, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(DeploymentRefused, match=re.escape(said)):
        created(version, **changes)
    assert not Deployment.objects.exists()
    assert actions() == ["strategy_version.recorded"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": InstrumentKind.INDEX}, "cannot be traded; choose an instrument that follows it"),
        ({"is_tradable": False}, "cannot be traded"),
        ({"quote_currency": "INR"}, "trades in INR, but account .* keeps USDT"),
    ],
)
def test_instrument_that_cannot_be_traded_there_is_refused(
    version: StrategyVersion, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(DeploymentRefused, match=said):
        created(version, instruments=[InstrumentFactory(**fields)])
    assert not Deployment.objects.exists()


def test_inactive_account_and_taken_name_are_refused(version: StrategyVersion) -> None:
    with pytest.raises(DeploymentRefused, match="is not active"):
        created(version, account=TradingAccountFactory(is_active=False))
    created(version)
    with pytest.raises(DeploymentRefused, match=r"name: .*already exists"):
        created(version)
    assert Deployment.objects.count() == 1


def test_parameters_are_checked_before_anything_is_kept(version: StrategyVersion) -> None:
    with pytest.raises(ParametersRefused, match="fast must be less than slow"):
        created(version, parameters={"fast": 50})
    assert not Deployment.objects.exists()


def test_timeframe_that_the_strategy_is_not_meant_for_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "hourly.py"
    path.write_text(
        "from apps.strategies.library.moving_average_cross import MovingAverageCross\n"
        "class Hourly(MovingAverageCross):\n    name = 'hourly'\n    timeframes = ('1h',)\n"
    )
    hourly = strategy_version_record(loaded=strategy_load(f"{path}:Hourly"))
    with pytest.raises(DeploymentRefused, match="is meant for 1h, not for 5m"):
        created(hourly)


def test_start_stop_and_fail_change_the_state_once_and_leave_a_trail(
    version: StrategyVersion,
) -> None:
    deployment = created(version)
    deployment_start(deployment=deployment, reason="the drill is over")
    assert list(deployment_list_running()) == [deployment]
    with pytest.raises(DeploymentRefused, match="is running already"):
        deployment_start(deployment=deployment)
    assert deployment_fail(deployment=deployment, reason="x" * 500) is True
    assert deployment_fail(deployment=deployment, reason="again") is False
    assert (deployment.state, len(deployment.state_reason)) == ("FAILED", 400)
    deployment_start(deployment=deployment)
    deployment_stop(deployment=deployment)
    with pytest.raises(DeploymentRefused, match="is stopped already"):
        deployment_stop(deployment=deployment)
    assert actions()[2:] == [
        "deployment.started",
        "deployment.failed",
        "deployment.started",
        "deployment.stopped",
    ]


def test_deployment_whose_stored_source_does_not_run_is_not_started(
    version: StrategyVersion,
) -> None:
    broken = StrategyVersion.objects.create(
        name="broken",
        location="broken.py:Broken",
        source="import no_such_package",
        source_sha256="0" * 64,
        parameters_schema={},
    )
    deployment = created(version)
    Deployment.objects.update(version=broken)
    deployment.refresh_from_db()
    with pytest.raises(StrategyUnloadable, match="was altered"):
        deployment_start(deployment=deployment)
    assert Deployment.objects.get().state == "DRAFT"


def test_signal_is_recorded_once_per_bar_whatever_is_said_later(version: StrategyVersion) -> None:
    deployment = created(version)
    instrument = deployment.instruments.get()
    buy = Decision(action="ENTER_LONG", reference_price=Decimal(100))
    sell = Decision(action="ENTER_SHORT", reference_price=Decimal(100))
    first, again = (
        signal_record(
            deployment=deployment, instrument=instrument, bar=bar_at(5), decision=decision
        )
        for decision in (buy, sell)
    )
    assert (first, again.action) == (again, "ENTER_LONG")
    assert Signal.objects.count() == 1
