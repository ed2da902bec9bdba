"""What a person or strategy may ask of a managed order, checked before anything is sent."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from apps.orders.domain.groups.kinds import GroupKind
from apps.orders.domain.types import TimeInForce

_AMOUNT: dict[str, Any] = {"max_digits": 28, "decimal_places": 10, "allow_inf_nan": False}
Price = Annotated[Decimal, Field(gt=0, **_AMOUNT)]
Quantity = Annotated[Decimal, Field(gt=0, **_AMOUNT)]
Ratio = Annotated[Decimal, Field(gt=0, lt=1, **_AMOUNT)]


class GroupRefused(ValueError):
    """A managed order cannot be made so; the sentence says why."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OcoSettings(_Settings):
    """Two exits of which one ends the other.

    Attributes:
        limit_price: Where the profit is taken.
        stop_price: Where the loss is stopped.
        stop_limit_price: Makes the stop a stop-limit order; None: it becomes a market order.
    """

    limit_price: Price
    stop_price: Price
    stop_limit_price: Price | None = None
    reduce_only: bool = False


class BracketSettings(_Settings):
    """An entry with a stop and a target, sized to what of the entry has filled.

    Attributes:
        entry_limit_price: Makes the entry a limit order; None: a market order.
        entry_time_in_force: How long the entry works; of a day order until the group expires.
        entry_maximum_slippage_bps: What bounds the entry's price, where something does; the
            entry is a limit order then.
        stop_price, target_price: Fixed prices; or by ratio from the entry's average price.
        is_stop_left_out: A strategy asked for a target alone; else a bracket needs a stop.
    """

    entry_limit_price: Price | None = None
    entry_time_in_force: TimeInForce = TimeInForce.GTC
    entry_maximum_slippage_bps: Annotated[Decimal, Field(ge=0, **_AMOUNT)] | None = None
    stop_price: Price | None = None
    stop_ratio: Ratio | None = None
    target_price: Price | None = None
    target_ratio: Annotated[Decimal, Field(gt=0, **_AMOUNT)] | None = None
    is_stop_left_out: bool = False

    @property
    def has_stop(self) -> bool:
        """Whether a loss is stopped."""
        return self.stop_price is not None or self.stop_ratio is not None

    @property
    def has_target(self) -> bool:
        """Whether a profit is taken."""
        return self.target_price is not None or self.target_ratio is not None

    @model_validator(mode="after")
    def _one_way_each(self) -> Self:
        for name in ("stop", "target"):
            fixed, ratio = getattr(self, f"{name}_price"), getattr(self, f"{name}_ratio")
            if fixed is not None and ratio is not None:
                raise ValueError(f"give {name}_price or {name}_ratio, not both")
        is_complete = self.has_target if self.is_stop_left_out else self.has_stop
        if not is_complete:
            raise ValueError("a bracket needs a stop: give stop_price or stop_ratio")
        return self


class IcebergSettings(_Settings):
    """A limit order of which the market sees one slice at a time."""

    limit_price: Price
    display_quantity: Quantity


class TwapSettings(_Settings):
    """A quantity spread evenly over time.

    Attributes:
        starts_at: When the first slice is due.
        slices: How many.
        interval_seconds: From one to the next; the last one ends an interval after it is due.
        limit_price: Worst price that a slice may pay; None: slices are market orders.
    """

    starts_at: AwareDatetime
    slices: Annotated[int, Field(ge=1, le=1000)]
    interval_seconds: Annotated[int, Field(ge=1, le=86_400)]
    limit_price: Price | None = None

    @property
    def interval(self) -> timedelta:
        """From one slice to the next."""
        return timedelta(seconds=self.interval_seconds)


class TrailingSettings(_Settings):
    """A stop at the venue that the desk moves along with the market.

    Attributes:
        trail_amount: Distance in quote currency; or
        trail_ratio: Distance as a part of the best price.
    """

    trail_amount: Price | None = None
    trail_ratio: Ratio | None = None
    reduce_only: bool = True

    @model_validator(mode="after")
    def _one_distance(self) -> Self:
        if (self.trail_amount is None) == (self.trail_ratio is None):
            raise ValueError("give trail_amount or trail_ratio, one of them")
        return self


class HeldSettings(_Settings):
    """A conditional order that rests at the desk, where the venue has none of its kind.

    Attributes:
        stop_price: Released when the market trades here or beyond, against us; or
        touch_price: Released when the market trades here or beyond, for us (take-profit); or
        trail_amount, trail_ratio: A stop that follows the best price.
        limit_price: Makes the released order a limit order; None: a market order.
    """

    stop_price: Price | None = None
    touch_price: Price | None = None
    trail_amount: Price | None = None
    trail_ratio: Ratio | None = None
    limit_price: Price | None = None
    reduce_only: bool = False

    @model_validator(mode="after")
    def _one_trigger(self) -> Self:
        triggers = (self.stop_price, self.touch_price, self.trail_amount, self.trail_ratio)
        if sum(trigger is not None for trigger in triggers) != 1:
            raise ValueError(
                "give exactly one of stop_price, touch_price, trail_amount and trail_ratio"
            )
        return self


GroupSettings = (
    OcoSettings | BracketSettings | IcebergSettings | TwapSettings | TrailingSettings | HeldSettings
)

_MODELS: dict[GroupKind, type[GroupSettings]] = {
    GroupKind.OCO: OcoSettings,
    GroupKind.BRACKET: BracketSettings,
    GroupKind.ICEBERG: IcebergSettings,
    GroupKind.TWAP: TwapSettings,
    GroupKind.TRAILING_STOP: TrailingSettings,
    GroupKind.HELD: HeldSettings,
}


def group_settings(kind: GroupKind, values: dict[str, Any]) -> GroupSettings:
    """Read the settings of a managed order.

    Raises:
        GroupRefused: Names each setting that is missing, unknown or out of range.
    """
    model = _MODELS[kind]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(": ".join(filter(None, fault)) for fault in _faults(error))
        raise GroupRefused(
            f"{kind} cannot be made so: {faults}. Its settings are {', '.join(model.model_fields)}."
        ) from error


def group_faults(kind: GroupKind, values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with settings: name of the setting, or "", and what is wrong."""
    try:
        _MODELS[kind].model_validate(values)
    except ValidationError as error:
        return _faults(error)
    return []


def group_setting_names(kind: GroupKind) -> list[str]:
    """Return what can be set on a managed order."""
    return list(_MODELS[kind].model_fields)


def _faults(error: ValidationError) -> list[tuple[str, str]]:
    return [
        (".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, "))
        for fault in error.errors()
    ]
