"""Creates deployments."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.accounts.models import TradingAccount, TradingMode, User
from apps.core.money import plain
from apps.core.services import audit_record
from apps.marketdata.models import Instrument
from apps.strategies.loading import strategy_build
from apps.strategies.models import Deployment, PositionPolicy, StrategyVersion
from apps.strategies.services.checks import (
    DeploymentRefused,
    Sizing,
    account_check,
    instruments_check,
    policies_check,
    protection_check,
    sizing_check,
    timeframe_check,
)
from apps.strategies.services.versions import strategy_from_version


class Protection(TypedDict, total=False):
    """How a deployment is kept from prices and positions that nobody wants.

    Attributes:
        maximum_slippage_bps: Most that an entry at market may pay over the close of its bar.
        turns_market_into_limit: Where programs may send no market order, enter by a limit order
            inside the collar; else such an entry is denied.
        collar_bps: How far such a limit may lie beyond the market.
        on_pause, on_stop, on_halt, on_delisting: KEEP or CLOSE an open position; see
            ``PositionPolicy``.
    """

    maximum_slippage_bps: Decimal | None
    turns_market_into_limit: bool
    collar_bps: Decimal
    on_pause: str
    on_stop: str
    on_halt: str
    on_delisting: str


_POLICIES = ("on_pause", "on_stop", "on_halt", "on_delisting")
_UNPROTECTED: Protection = {
    "maximum_slippage_bps": None,
    "turns_market_into_limit": False,
    "collar_bps": Decimal(50),
    "on_pause": PositionPolicy.KEEP.value,
    "on_stop": PositionPolicy.KEEP.value,
    "on_halt": PositionPolicy.KEEP.value,
    "on_delisting": PositionPolicy.KEEP.value,
}
_TERMS = tuple(_UNPROTECTED)


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
    sizing_cap_ratio: Decimal | None = None,
    mode: str = TradingMode.PAPER,
    actor: User | None = None,
    **protection: Unpack[Protection],
) -> Deployment:
    """Set a strategy to trade instruments on an account. It is a draft until it is started.

    Args:
        name: Letters, digits, hyphens and underscores; unique.
        version: What runs.
        account: Where it trades; its base currency must be that of every instrument.
        instruments: At least one.
        parameters: Plain JSON values by name; defaults are filled in and stored with them.
        sizing_method, sizing_value: One of ``SizingMethod``; units, quote currency or a fraction.
        sizing_cap_ratio: Most of the equity that one entry may stake; a Kelly stake needs it.
        mode: How real the money is; that of the account.
        actor: Who creates it.
        protection: See ``Protection``; without it positions are kept and prices are not bounded.

    Raises:
        DeploymentRefused: One of these does not fit the others.
        ParametersRefused: The parameters do not fit the strategy.
        StrategyUnloadable: The stored source does not run.
    """
    strategy = strategy_build(strategy_from_version(version), parameters)
    timeframe_check(timeframe, strategy)
    account_check(account, mode)
    instruments_check(instruments, account)
    sizing = Sizing(method=sizing_method, value=sizing_value, cap_ratio=sizing_cap_ratio)
    sizing_check(sizing, instruments)
    chosen: dict[str, Any] = {**_UNPROTECTED, **protection}
    protection_check(
        maximum_slippage_bps=chosen["maximum_slippage_bps"], collar_bps=chosen["collar_bps"]
    )
    policies = {name: str(chosen[name]) for name in _POLICIES}
    policies_check(**policies)
    deployment = Deployment(
        name=name,
        version=version,
        account=account,
        timeframe=timeframe,
        parameters=strategy.parameters.model_dump(mode="json"),
        sizing_method=sizing_method,
        sizing_value=sizing_value,
        sizing_cap_ratio=sizing_cap_ratio,
        **{**chosen, **policies},
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
                details=deployment_terms(deployment, instruments),
            )
    except (ValidationError, IntegrityError) as error:
        raise DeploymentRefused(_faults_of(error, deployment.name)) from error


def deployment_terms(deployment: Deployment, instruments: Sequence[Instrument]) -> dict[str, Any]:
    """Return what a deployment was set to, as plain values by name."""
    terms = {name: getattr(deployment, name) for name in _TERMS}
    cap = deployment.sizing_cap_ratio
    return {
        "version": str(deployment.version),
        "account": deployment.account.name,
        "instruments": sorted(instrument.symbol for instrument in instruments),
        "timeframe": deployment.timeframe,
        "parameters": deployment.parameters,
        "sizing_method": deployment.sizing_method,
        "sizing_value": plain(deployment.sizing_value),
        "sizing_cap_ratio": None if cap is None else plain(cap),
        **{
            name: plain(value) if isinstance(value, Decimal) else value
            for name, value in terms.items()
        },
        "mode": deployment.mode,
    }


def _faults_of(error: ValidationError | IntegrityError, name: str) -> str:
    if isinstance(error, IntegrityError):
        return f"deployment {name!r} could not be stored: {error}"
    faults = error.message_dict.items()
    return "; ".join(f"{field}: {' '.join(messages)}" for field, messages in faults)
