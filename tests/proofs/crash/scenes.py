"""What leads a worker past the steps: each scene ends right before its work begins."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from apps.execution.services.changes import Amendment, order_amend_enter, order_cancel_enter
from apps.orders.domain.groups import GroupKind
from apps.orders.domain.types import OrderOrigin, OrderType, Side
from apps.orders.models import Order
from apps.strategies.models import PositionPolicy
from apps.strategies.services import deployment_stop
from tests.proofs.crash.lanes import Lane
from tests.proofs.crash.steps import STEPS
from tests.proofs.crash.worker import Kill

D = Decimal
BRACKET: dict[str, Any] = {"stop_ratio": "0.05", "target_ratio": "0.1"}
EXITS: dict[str, Any] = {"limit_price": "110", "stop_price": "95", "reduce_only": True}
LONG, SHORT = "100.25", "100.50"
"""Closes that tell the strategy what to be."""


def turn(lane: Lane) -> None:
    """A deployment is long, and its bar says short: an exit and an entry, after one another."""
    lane.deploy()
    lane.intend()
    lane.close(SHORT)


def take_back(lane: Lane) -> None:
    """A deployment's buy order waits at the venue, and its bar says short."""
    lane.deploy()
    lane.intend(limit_price=90)
    lane.close(SHORT)


def protected(lane: Lane) -> None:
    """A deployment's bar says long, with a stop and a target that the desk has to manage."""
    lane.deploy(stop_loss_ratio=0.05, take_profit_ratio=0.1)
    lane.close(LONG)


def closing(lane: Lane) -> None:
    """A deployment is stopped, and is not to keep what it holds."""
    deployment = lane.deploy()
    lane.intend()
    lane.reconcile()
    deployment.on_stop = PositionPolicy.CLOSE
    deployment.save(update_fields=["on_stop"])
    deployment_stop(deployment=deployment)


def market(lane: Lane) -> None:
    """Two orders by hand are written down."""
    lane.enter()
    lane.enter(quantity=5)


def cancel(lane: Lane) -> None:
    """A person wants a working order back."""
    order_cancel_enter(order=_working(lane), reason="changed my mind", actor=None)


def amend(lane: Lane) -> None:
    """A person wants fewer units at a lower price of a working order."""
    order_amend_enter(
        order=_working(lane),
        amendment=Amendment(quantity=D(8), limit_price=D(89)),
        reason="changed my mind",
        actor=None,
        origin=OrderOrigin.MANUAL,
    )


def oco(lane: Lane) -> None:
    """Ten units are held, and stop and target are to end each other."""
    lane.enter()
    lane.settle()
    lane.enter(Side.SELL, group=GroupKind.OCO, group_settings=EXITS)


def oco_part(lane: Lane) -> None:
    """The target has filled in part, and the stop still covers all of it."""
    oco(lane)
    lane.settle()
    lane.execute("target", 4)


def bracket(lane: Lane) -> None:
    """An entry is to bring its stop and target along."""
    lane.enter(group=GroupKind.BRACKET, group_settings=BRACKET)


def bracket_end(lane: Lane) -> None:
    """The target of a bracket has filled, and its stop still works."""
    bracket(lane)
    lane.settle()
    lane.execute("target", 10)


def orphan(lane: Lane) -> None:
    """An earlier worker was killed right after its claim."""
    lane.enter()
    assert lane.run(Kill(STEPS["claim-after"], at_pass=1)), "the earlier worker was not killed"


def lost_reply(lane: Lane) -> None:
    """The venue has taken an order, its answer was lost, and its reports are late."""
    lane.venue.fault("LATE", account=lane.account.name, count=None, reports=1000)
    _unknown(lane, "DROP_AFTER")


def never_arrived(lane: Lane) -> None:
    """The venue has never taken an order, and nobody knows."""
    _unknown(lane, "DROP_BEFORE")


def _working(lane: Lane) -> Order:
    entered = lane.enter(order_type=OrderType.LIMIT, limit_price=D(90))
    lane.settle()
    assert entered.order is not None
    return Order.objects.get(pk=entered.order.pk)


def _unknown(lane: Lane, fault: str) -> None:
    lane.venue.fault(fault, endpoint="PLACE", account=lane.account.name)
    lane.enter()
    lane.work()
    assert lane.account.orders.get().status == "UNKNOWN"


SCENES: dict[str, Callable[[Lane], None]] = {
    "turn": turn,
    "take-back": take_back,
    "protected": protected,
    "closing": closing,
    "market": market,
    "cancel": cancel,
    "amend": amend,
    "oco": oco,
    "oco-part": oco_part,
    "bracket": bracket,
    "bracket-end": bracket_end,
    "orphan": orphan,
    "lost-reply": lost_reply,
    "never-arrived": never_arrived,
}
