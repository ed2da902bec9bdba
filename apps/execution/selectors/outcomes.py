"""Reads how the desk finds out what became of an order whose outcome is not known."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.brokers.registry import BrokerNotAvailable, gateway_for
from apps.core.clock import wall_now
from apps.execution.models import AccountLease, DeploymentLease, Lease
from apps.orders.models import InstrumentFreeze, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSearch:
    """What an operator has to know about an order in doubt; times are machine time (UTC).

    Attributes:
        holder: The worker that looks it up now; empty while none does.
        window_seconds: How long the venue must not know it before it counts as never arrived;
            None: silence proves nothing at this venue.
        absent_at: When that window ends; None where there is none, or nothing is in doubt yet.
        is_reachable: An adapter serves the account.
        freezes: What of the account rests meanwhile.
    """

    order: Order
    holder: str
    window_seconds: float | None
    absent_at: datetime | None
    is_reachable: bool
    freezes: tuple[InstrumentFreeze, ...]

    @property
    def window_is_over(self) -> bool:
        """Whether the next look that does not find it ends the search."""
        return self.absent_at is not None and wall_now() >= self.absent_at


def outcome_search(order: Order) -> OutcomeSearch:
    """Return how the search for an order's outcome stands."""
    window, is_reachable = None, True
    try:
        window = gateway_for(order.account).capabilities.absence_window_seconds
    except BrokerNotAvailable:
        is_reachable = False
    absent_at = None
    if window is not None and order.unknown_since is not None:
        absent_at = order.unknown_since + timedelta(seconds=window)
    freezes = InstrumentFreeze.objects.filter(order=order, released_at=None)
    return OutcomeSearch(
        order=order,
        holder=_holder(order),
        window_seconds=window,
        absent_at=absent_at,
        is_reachable=is_reachable,
        freezes=tuple(freezes.select_related("instrument", "account")),
    )


def _holder(order: Order) -> str:
    leases: list[Lease]
    if order.deployment_id is None or order.group_id or order.kill_switch_id:
        leases = list(AccountLease.objects.filter(account=order.account_id))
    else:
        leases = list(DeploymentLease.objects.filter(deployment=order.deployment_id))
    current = (lease.holder for lease in leases if lease.expires_at >= wall_now())
    return next(current, "")
