"""What a plan looks at and what it answers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from apps.core.money import ZERO
from apps.orders.domain.groups.kinds import GroupKind, GroupState
from apps.orders.domain.groups.settings import GroupSettings
from apps.orders.domain.states import FINAL, UNRESOLVED, OrderStatus
from apps.orders.domain.types import OrderRole, OrderType, Side, TimeInForce

_AMENDABLE = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})
_CANCELABLE = _AMENDABLE | {OrderStatus.INTENT, OrderStatus.PENDING_NEW}


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSnapshot:
    """One order of the group as the desk knows it.

    Attributes:
        name: Unique in the group, such as ``entry`` or ``slice-3``.
        quantity, filled_quantity: Units.
        canceled_by_desk: We asked for its end; else the venue ended it by itself.
        reason: Why it ended, in the venue's or the gate's words.
    """

    name: str
    status: OrderStatus
    quantity: Decimal
    filled_quantity: Decimal = ZERO
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    canceled_by_desk: bool = False
    reason: str = ""

    @property
    def is_live(self) -> bool:
        """Whether it may still fill."""
        return self.status not in FINAL

    @property
    def is_unresolved(self) -> bool:
        """Whether nobody knows if the venue has it."""
        return self.status in UNRESOLVED

    @property
    def can_be_amended(self) -> bool:
        """Whether it works at the venue and no other change is on its way."""
        return self.status in _AMENDABLE

    @property
    def can_be_canceled(self) -> bool:
        """Whether it can be taken back now; one that was never sent can."""
        return self.status in _CANCELABLE

    @property
    def open_quantity(self) -> Decimal:
        """Units that may still fill."""
        return self.quantity - self.filled_quantity if self.is_live else ZERO

    @property
    def generation(self) -> int:
        """The number after the dash of its name; 1 without one."""
        _, _, number = self.name.partition("-")
        return int(number or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """What the market shows; None where nothing is known.

    Attributes:
        as_of: Now, market time (UTC).
        is_stale: The prices are too old to act on.
    """

    as_of: datetime
    last: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    is_stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSnapshot:
    """A managed order with its legs.

    Attributes:
        side: Of the entry, or of the one order that the group stands for.
        quantity: Units in total.
        can_amend: The venue can change the quantity and price of a working order.
        memory: What the last plan wanted kept, such as the best price of a trailing stop.
        expires_at: Nothing is opened from then on (UTC); None: never.
    """

    kind: GroupKind
    state: GroupState
    side: Side
    quantity: Decimal
    lot_size: Decimal
    tick_size: Decimal
    settings: GroupSettings
    can_amend: bool = True
    legs: tuple[LegSnapshot, ...] = ()
    memory: dict[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None

    def leg(self, name: str) -> LegSnapshot | None:
        """Return the leg of that name, or None."""
        return next((leg for leg in self.legs if leg.name == name), None)

    def legs_of(self, stem: str) -> list[LegSnapshot]:
        """Return the generations of a leg (``stop``, ``stop-2`` …), oldest first."""
        found = [leg for leg in self.legs if leg.name.partition("-")[0] == stem]
        return sorted(found, key=lambda leg: leg.generation)

    @property
    def live(self) -> list[LegSnapshot]:
        """Return the legs that may still fill."""
        return [leg for leg in self.legs if leg.is_live]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceLeg:
    """Store and send an order under this name, unless the group has one of it.

    Attributes:
        expires_at: End of a day order (UTC).
        maximum_slippage_bps: What bounds its price, where something does.
    """

    name: str
    role: OrderRole
    side: Side
    order_type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    reduce_only: bool = False
    maximum_slippage_bps: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendLeg:
    """Change a working order; None leaves a term as it is. ``quantity`` counts what is filled."""

    name: str
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelLeg:
    """Take a working order back."""

    name: str
    reason: str


GroupAction = PlaceLeg | AmendLeg | CancelLeg


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlan:
    """What to do now, the state to be in afterwards, and what to remember.

    Attributes:
        due_at: When to plan again if nothing happens before (UTC); None: only when it does.
    """

    actions: tuple[GroupAction, ...] = ()
    state: GroupState = GroupState.ACTIVE
    reason: str = ""
    memory: dict[str, str] | None = None
    due_at: datetime | None = None


def cancels_of(legs: Iterable[LegSnapshot], reason: str) -> tuple[GroupAction, ...]:
    """Take back those legs that can be now."""
    return tuple(CancelLeg(name=leg.name, reason=reason) for leg in legs if leg.can_be_canceled)


def resize(group: GroupSnapshot, leg: LegSnapshot, open_quantity: Decimal) -> list[GroupAction]:
    """Bring what a leg may still fill to ``open_quantity``.

    Where the venue cannot amend, the leg is taken back, and its next generation has the new size.
    """
    if leg.open_quantity == open_quantity:
        return []
    if not group.can_amend:
        return list(cancels_of([leg], "another quantity replaces it"))
    if not leg.can_be_amended:
        return []
    return [AmendLeg(name=leg.name, quantity=leg.filled_quantity + open_quantity)]


def filled_of(legs: Iterable[LegSnapshot]) -> Decimal:
    """Add up what legs have filled."""
    return sum((leg.filled_quantity for leg in legs), ZERO)


def name_of(stem: str, generation: int) -> str:
    """Return the name of a leg's generation: ``stop``, then ``stop-2``."""
    return stem if generation == 1 else f"{stem}-{generation}"
