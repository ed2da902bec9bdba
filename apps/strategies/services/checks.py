"""Whether what a deployment is made of fits together, in sentences that a trader understands."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.accounts.models import TradingAccount
from apps.core.money import plain
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.models import Instrument, InstrumentKind
from apps.strategies.domain.strategy import Strategy
from apps.strategies.models import PositionPolicy, SizingMethod

_GREATEST_CAP = Decimal(10)
_GREATEST_BPS = Decimal(5_000)
_FRACTIONS = {
    SizingMethod.FRACTION_OF_EQUITY: ("the fraction of equity", "0.1 is 10 %"),
    SizingMethod.VOLATILITY_TARGET: (
        "the part of the equity that one average true range may move",
        "0.01 is 1 %",
    ),
    SizingMethod.FRACTIONAL_KELLY: ("the part of the Kelly stake", "0.25 is a quarter of it"),
}


class DeploymentRefused(ValueError):
    """A deployment cannot be made, or take a step, so; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """What an entry may stake, as it is asked for."""

    method: str
    value: Decimal
    cap_ratio: Decimal | None


def timeframe_check(timeframe: str, strategy: Strategy[Any]) -> None:
    """Refuse a timeframe that the desk does not know or the strategy is not meant for."""
    known = [known.value for known in Timeframe]
    if timeframe not in known:
        raise DeploymentRefused(f"timeframe {timeframe!r} is unknown; known are {', '.join(known)}")
    meant = strategy.timeframes
    if meant and timeframe not in meant:
        raise DeploymentRefused(
            f"the strategy is meant for {', '.join(meant)}, not for {timeframe}"
        )


def account_check(account: TradingAccount, mode: str) -> None:
    """Refuse an account that is not active or of another mode."""
    if not account.is_active:
        raise DeploymentRefused(f"account {account} is not active; choose one that is")
    if mode != account.mode:
        raise DeploymentRefused(
            f"mode {mode} does not fit account {account}, whose mode is {account.mode}; "
            "choose an account of the same mode"
        )


def instruments_check(instruments: Sequence[Instrument], account: TradingAccount) -> None:
    """Refuse none at all, what cannot be traded, and what trades in another currency."""
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


def sizing_check(sizing: Sizing, instruments: Sequence[Instrument]) -> None:
    """Refuse a size that could never be traded, or that stakes more than there is."""
    method, value = sizing.method, sizing.value
    if method not in SizingMethod.values:
        raise DeploymentRefused(
            f"sizing {method!r} is unknown; known are {', '.join(SizingMethod.values)}"
        )
    if not value.is_finite() or value <= 0:
        raise DeploymentRefused(f"the sizing value must be above 0, was {value}")
    if method in _FRACTIONS and value > 1:
        what, example = _FRACTIONS[SizingMethod(method)]
        raise DeploymentRefused(f"{what} must be at most 1, was {plain(value)}; {example}")
    _cap_check(sizing)
    if method == SizingMethod.FIXED_QUANTITY:
        for instrument in instruments:
            if value < instrument.lot_size:
                raise DeploymentRefused(
                    f"quantity {plain(value)} is below the lot size "
                    f"{plain(instrument.lot_size)} of {instrument}"
                )


def _cap_check(sizing: Sizing) -> None:
    is_kelly = sizing.method == SizingMethod.FRACTIONAL_KELLY
    greatest = Decimal(1) if is_kelly else _GREATEST_CAP
    if sizing.cap_ratio is None:
        if is_kelly:
            raise DeploymentRefused(
                "a Kelly stake needs a cap: set sizing_cap_ratio to the most of the equity that "
                "one entry may stake, such as 0.2"
            )
        return
    if not sizing.cap_ratio.is_finite() or not 0 < sizing.cap_ratio <= greatest:
        raise DeploymentRefused(
            f"the cap of the stake must be above 0 and at most {plain(greatest)} times the equity, "
            f"was {sizing.cap_ratio}; 0.2 is a fifth"
        )


def protection_check(*, maximum_slippage_bps: Decimal | None, collar_bps: Decimal) -> None:
    """Refuse distances from the market that are negative or protect nobody."""
    for what, distance in (
        ("the maximum slippage", maximum_slippage_bps),
        ("the collar", collar_bps),
    ):
        if distance is None:
            continue
        if not distance.is_finite() or not 0 <= distance <= _GREATEST_BPS:
            raise DeploymentRefused(
                f"{what} must be from 0 to {plain(_GREATEST_BPS)} basis points, was {distance}; "
                "50 is half a per cent"
            )


def policies_check(**policies: str) -> None:
    """Refuse a policy that says neither to keep a position nor to close it."""
    for name, policy in policies.items():
        if policy not in list(PositionPolicy):
            raise DeploymentRefused(
                f"{name} must be KEEP or CLOSE, was {policy!r}: what becomes of an open position"
            )
