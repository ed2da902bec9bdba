"""Rounds of the proof: a scene, a worker killed at a step, another that ends what it began."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.brokers.registry import gateway_for
from apps.orders.domain.types import Side
from apps.orders.models import Fill, Order
from apps.positions.selectors import ledger_unbalanced
from apps.reconciliation.models import Break, ReconciliationRun
from tests.proofs.crash.lanes import Lane
from tests.proofs.crash.scenes import SCENES
from tests.proofs.crash.steps import Step
from tests.proofs.crash.worker import Kill, WorkerFailed, WorkerStart, worker_run
from tests.venues.loopback.desk import desk_order_list
from tests.venues.loopback.history import DeskOrder
from tests.venues.loopback.process import LoopbackVenue

Purpose = tuple[object, ...]
"""What an order is there for: a signal and its role, or a managed order and its leg."""

UNDER_WAY = frozenset(
    {"INTENT", "SENDING", "UNKNOWN", "PENDING_NEW", "PENDING_REPLACE", "PENDING_CANCEL"}
)
"""No order is left in one of these once all is at rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One scene played to its end, with a kill or without.

    Attributes:
        account: Its name, at the desk and at the venue.
        was_killed: Whether the worker died where it should.
        found: What was under way when it was dead, by order status.
        failure: Why the next worker did not bring it to rest; empty: it did.
        orders: What the desk believes of every order at the end.
        purposes: What each is there for, by client order id.
        faults: What does not hold in the books at the end.
    """

    scene: str
    kill: Kill | None
    account: str
    was_killed: bool
    found: str
    failure: str
    orders: Sequence[DeskOrder]
    purposes: dict[str, Purpose]
    faults: Sequence[str]


def kills_at(step: Step, *, count: int, first: int = 0) -> list[tuple[str, Kill]]:
    """Spread kills, from the ``first``-th on, over the step's scenes and its place's passes."""
    spread = []
    for number in range(first, first + count):
        turns, place = divmod(number, len(step.scenes))
        spread.append((step.scenes[place], Kill(step, at_pass=1 + turns % step.passes)))
    return spread


def round_play(
    venue: LoopbackVenue, scene: str, kill: Kill | None, *, start: WorkerStart = worker_run
) -> Round:
    """Play a scene on an account of its own; without a kill, one worker does it all."""
    lane = Lane(venue, start=start)
    SCENES[scene](lane)
    was_killed = kill is not None and lane.run(kill)
    found = _under_way(lane)
    failure = ""
    try:
        lane.run()
    except WorkerFailed as failed:
        failure = str(failed)
    venue.control("release")
    faults = _faults(lane)
    orders = lane.account.orders.order_by("pk")
    lane.leave()
    return Round(
        scene=scene,
        kill=kill,
        account=lane.account.name,
        was_killed=was_killed,
        found=found,
        failure=failure,
        orders=desk_order_list(lane.account),
        purposes={order.client_order_id: _purpose(order) for order in orders},
        faults=faults,
    )


def _under_way(lane: Lane) -> str:
    statuses = lane.account.orders.filter(status__in=UNDER_WAY).order_by("pk")
    return "+".join(statuses.values_list("status", flat=True)) or "nothing under way"


def _purpose(order: Order) -> Purpose:
    if order.group_id is not None:
        return ("leg", order.group_id, order.leg)
    if order.signal_id is not None:
        return ("signal", order.signal_id, order.role)
    return ("order", order.pk)


def _faults(lane: Lane) -> list[str]:
    """Take in what is still to be reported, and compare every book with every other."""
    faults = [] if lane.reconcile().result == ReconciliationRun.Result.MATCHED else ["no match"]
    faults += ledger_unbalanced(account=lane.account)
    breaks = Break.objects.filter(account=lane.account)
    faults += [f"break {found.kind}: {found.description}" for found in breaks]
    net = sum((held.quantity for held in gateway_for(lane.account).position_list()), Decimal(0))
    filled = sum(
        (
            Side(fill.order.side).sign * fill.quantity
            for fill in Fill.objects.filter(order__account=lane.account).select_related("order")
        ),
        Decimal(0),
    )
    if not lane.held() == filled == net:
        faults.append(f"position {lane.held()}, fills {filled}, venue's net {net}")
    return faults
