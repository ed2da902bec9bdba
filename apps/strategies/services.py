"""Records strategy versions and signals, and creates, starts, stops and fails deployments."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.accounts.models import TradingAccount, TradingMode, User
from apps.core.money import plain
from apps.core.services import audit_record
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument, InstrumentKind
from apps.strategies.domain.strategy import Decision, Strategy
from apps.strategies.loading import LoadedStrategy, strategy_build, strategy_from_source
from apps.strategies.models import (
    Deployment,
    DeploymentState,
    Signal,
    SizingMethod,
    StrategyVersion,
)

REASON_LENGTH = 400
"""What a deployment shows of a reason; the audit trail keeps all of it."""


class DeploymentRefused(ValueError):
    """A deployment cannot be made, started or stopped so; the message says why."""


def strategy_version_record(
    *, loaded: LoadedStrategy, actor: User | None = None
) -> StrategyVersion:
    """Store the source of a strategy, or find it if these very bytes are stored already."""
    with transaction.atomic():
        version, is_new = StrategyVersion.objects.get_or_create(
            name=loaded.name,
            source_sha256=loaded.source_sha256,
            defaults={
                "location": loaded.location,
                "source": loaded.source,
                "parameters_schema": loaded.strategy_class.Parameters.model_json_schema(),
            },
        )
        if is_new:
            audit_record(
                action="strategy_version.recorded",
                subject=version,
                actor=actor,
                details={"location": loaded.location, "source_sha256": loaded.source_sha256},
            )
    return version


def strategy_from_version(version: StrategyVersion) -> LoadedStrategy:
    """Load a strategy from its stored source, whatever its file says by now.

    Raises:
        StrategyUnloadable: The stored source was altered, or no longer runs.
    """
    return strategy_from_source(
        source=version.source,
        source_sha256=version.source_sha256,
        location=version.location,
        name=version.name,
    )


def deployment_create(
    *,
    name: str,
    version: StrategyVersion,
    account: TradingAccount,
    instruments: Sequence[Instrument],
    timeframe: str,
    parameters: dict[str, Any],
    sizing_method: str,
    sizing_value: Decimal,
    mode: str = TradingMode.PAPER,
    actor: User | None = None,
) -> Deployment:
    """Set a strategy to trade instruments on an account. It is stopped until it is started.

    Args:
        name: Letters, digits, hyphens and underscores; unique.
        version: What runs.
        account: Where it trades; its base currency must be that of every instrument.
        instruments: At least one.
        timeframe: Such as ``5m``.
        parameters: Plain JSON values by name; defaults are filled in and stored with them.
        sizing_method: One of ``SizingMethod``.
        sizing_value: Units, quote currency or a fraction of equity, by method; above zero.
        mode: How real the money is; that of the account.
        actor: Who creates it.

    Raises:
        DeploymentRefused: One of these does not fit the others.
        ParametersRefused: The parameters do not fit the strategy.
        StrategyUnloadable: The stored source does not run.
    """
    strategy = strategy_build(strategy_from_version(version), parameters)
    _timeframe_check(timeframe, strategy)
    _account_check(account, mode)
    _instruments_check(instruments, account)
    _sizing_check(sizing_method, sizing_value, instruments)
    deployment = Deployment(
        name=name,
        version=version,
        account=account,
        timeframe=timeframe,
        parameters=strategy.parameters.model_dump(mode="json"),
        sizing_method=sizing_method,
        sizing_value=sizing_value,
        mode=mode,
    )
    _deployment_store(deployment, instruments, actor)
    return deployment


def _deployment_store(
    deployment: Deployment, instruments: Sequence[Instrument], actor: User | None
) -> None:
    try:
        with transaction.atomic():
            deployment.full_clean()
            deployment.save()
            deployment.instruments.set(instruments)
            audit_record(
                action="deployment.created",
                subject=deployment,
                actor=actor,
                details=_described(deployment, instruments),
            )
    except (ValidationError, IntegrityError) as error:
        raise DeploymentRefused(_faults_of(error, deployment.name)) from error


def deployment_start(
    *, deployment: Deployment, actor: User | None = None, reason: str = ""
) -> None:
    """Let a stopped or failed deployment trade.

    Raises:
        DeploymentRefused: It runs already, or may not run.
        ParametersRefused, StrategyUnloadable: What is stored does not run any more.
    """
    if deployment.mode == TradingMode.LIVE:
        raise DeploymentRefused(
            f"{deployment} is set to trade live money, which needs an approval by a second "
            "person; this version cannot give one. Deploy it in mode PAPER or TEST"
        )
    strategy = strategy_build(strategy_from_version(deployment.version), deployment.parameters)
    _timeframe_check(deployment.timeframe, strategy)
    _account_check(deployment.account, deployment.mode)
    _instruments_check(list(deployment.instruments.all()), deployment.account)
    startable = (DeploymentState.STOPPED, DeploymentState.FAILED)
    with transaction.atomic():
        if not _state_change(deployment, startable, DeploymentState.RUNNING, reason):
            raise DeploymentRefused(f"{deployment} is running already")
        audit_record(action="deployment.started", subject=deployment, actor=actor, reason=reason)


def deployment_stop(*, deployment: Deployment, actor: User | None = None, reason: str = "") -> None:
    """Let a deployment trade no more. Its positions and working orders stay as they are.

    Raises:
        DeploymentRefused: It is stopped already.
    """
    stoppable = (DeploymentState.RUNNING, DeploymentState.FAILED)
    with transaction.atomic():
        if not _state_change(deployment, stoppable, DeploymentState.STOPPED, reason):
            raise DeploymentRefused(f"{deployment} is stopped already")
        audit_record(action="deployment.stopped", subject=deployment, actor=actor, reason=reason)


def deployment_fail(*, deployment: Deployment, reason: str) -> bool:
    """Take a running deployment out of trade because it cannot go on.

    Returns:
        False, with nothing written, when it was not running any more.
    """
    with transaction.atomic():
        running = (DeploymentState.RUNNING,)
        if not _state_change(deployment, running, DeploymentState.FAILED, reason):
            return False
        audit_record(action="deployment.failed", subject=deployment, reason=reason)
    return True


def signal_record(
    *, deployment: Deployment, instrument: Instrument, bar: Bar, decision: Decision
) -> Signal:
    """Record what a strategy wanted after ``bar``; again, it returns the first recording."""
    signal, _ = Signal.objects.get_or_create(
        deployment=deployment,
        instrument=instrument,
        bar_open_at=bar.open_at,
        defaults={
            "as_of": bar.close_at,
            "action": decision.action,
            "reference_price": decision.reference_price,
            "limit_price": decision.limit_price,
            "stop_loss_ratio": decision.stop_loss_ratio,
            "take_profit_ratio": decision.take_profit_ratio,
        },
    )
    return signal


def _state_change(
    deployment: Deployment,
    from_states: Sequence[DeploymentState],
    to_state: DeploymentState,
    reason: str,
) -> bool:
    """Change the state if it is still one of ``from_states``: two callers cannot both win."""
    changed = Deployment.objects.filter(pk=deployment.pk, state__in=from_states).update(
        state=to_state, state_reason=reason[:REASON_LENGTH]
    )
    deployment.refresh_from_db(fields=["state", "state_reason"])
    return changed == 1


def _timeframe_check(timeframe: str, strategy: Strategy[Any]) -> None:
    known = [known.value for known in Timeframe]
    if timeframe not in known:
        raise DeploymentRefused(f"timeframe {timeframe!r} is unknown; known are {', '.join(known)}")
    meant = strategy.timeframes
    if meant and timeframe not in meant:
        raise DeploymentRefused(
            f"the strategy is meant for {', '.join(meant)}, not for {timeframe}"
        )


def _account_check(account: TradingAccount, mode: str) -> None:
    if not account.is_active:
        raise DeploymentRefused(f"account {account} is not active; choose one that is")
    if mode != account.mode:
        raise DeploymentRefused(
            f"mode {mode} does not fit account {account}, whose mode is {account.mode}; "
            "choose an account of the same mode"
        )


def _instruments_check(instruments: Sequence[Instrument], account: TradingAccount) -> None:
    if not instruments:
        raise DeploymentRefused("name at least one instrument to trade")
    for instrument in instruments:
        if instrument.kind == InstrumentKind.INDEX or not instrument.is_tradable:
            raise DeploymentRefused(
                f"{instrument} cannot be traded; choose an instrument that follows it"
            )
        if instrument.quote_currency != account.base_currency:
            raise DeploymentRefused(
                f"{instrument} trades in {instrument.quote_currency}, but account {account} "
                f"keeps {account.base_currency}; choose an account in {instrument.quote_currency}"
            )


def _sizing_check(method: str, value: Decimal, instruments: Sequence[Instrument]) -> None:
    if method not in SizingMethod.values:
        raise DeploymentRefused(
            f"sizing {method!r} is unknown; known are {', '.join(SizingMethod.values)}"
        )
    if not value.is_finite() or value <= 0:
        raise DeploymentRefused(f"the sizing value must be above 0, was {value}")
    if method == SizingMethod.FRACTION_OF_EQUITY and value > 1:
        raise DeploymentRefused(
            f"the fraction of equity must be at most 1, was {plain(value)}; 0.1 is 10 %"
        )
    if method == SizingMethod.FIXED_QUANTITY:
        for instrument in instruments:
            if value < instrument.lot_size:
                raise DeploymentRefused(
                    f"quantity {plain(value)} is below the lot size "
                    f"{plain(instrument.lot_size)} of {instrument}"
                )


def _described(deployment: Deployment, instruments: Sequence[Instrument]) -> dict[str, Any]:
    return {
        "version": str(deployment.version),
        "account": deployment.account.name,
        "instruments": [instrument.symbol for instrument in instruments],
        "timeframe": deployment.timeframe,
        "parameters": deployment.parameters,
        "sizing_method": deployment.sizing_method,
        "sizing_value": plain(deployment.sizing_value),
        "mode": deployment.mode,
    }


def _faults_of(error: ValidationError | IntegrityError, name: str) -> str:
    if isinstance(error, IntegrityError):
        return f"deployment {name!r} could not be stored: {error}"
    faults = error.message_dict.items()
    return "; ".join(f"{field}: {' '.join(messages)}" for field, messages in faults)
