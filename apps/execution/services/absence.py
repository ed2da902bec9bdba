"""Lets two people say that an order in doubt never arrived, where no book proves it any more."""

from datetime import timedelta

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.brokers.registry import gateway_for
from apps.core.clock import wall_now
from apps.core.services import audit_record
from apps.orders.domain.states import OrderStatus
from apps.orders.models import Order
from apps.orders.services import order_absent_end
from apps.reconciliation.services import report_take_in

A_DAY = timedelta(days=1)
"""Before, the venue's own book may still show it, or prove that it is not there."""


class AbsenceRefused(Exception):
    """An order cannot be said to have never arrived."""


def order_absence_confirm(*, order: Order, by: User, confirmed_by: User, reason: str) -> None:
    """End an UNKNOWN order as never arrived; it is never sent again.

    Args:
        by, confirmed_by: Two people; the second has the role risk or compliance.
        reason: What they looked at, such as the contract note of the day.

    Raises:
        AbsenceRefused: The outcome is known, its day is not over, one person alone says so, or
            the broker shows the order.
        BrokerError: The broker cannot be asked once more.
    """
    _persons_require(by, confirmed_by, reason)
    if order.status != OrderStatus.UNKNOWN or order.unknown_since is None:
        raise AbsenceRefused(f"order {order} is {order.status}; only an UNKNOWN one is in doubt")
    if wall_now() - order.unknown_since < A_DAY:
        raise AbsenceRefused(
            f"order {order} is in doubt since {order.unknown_since:%Y-%m-%d %H:%M}; until a day "
            "later its venue may still tell. Wait for it"
        )
    report = gateway_for(order.account).order_find(
        client_order_id=order.client_order_id, symbol=order.instrument.symbol
    )
    if report is not None:
        report_take_in(account=order.account, report=report)
        raise AbsenceRefused(f"the broker shows order {order}: {report.status}; that is recorded")
    with transaction.atomic():
        order_absent_end(order=order, reason=reason, actor=by)
        audit_record(
            action="order.absence_confirmed",
            subject=order,
            actor=by,
            reason=reason,
            details={"confirmed_by": confirmed_by.email},
        )


def _persons_require(by: User, confirmed_by: User, reason: str) -> None:
    if by.pk == confirmed_by.pk:
        raise AbsenceRefused("two people are needed: name another one who confirms it")
    if not (by.is_active and confirmed_by.is_active):
        raise AbsenceRefused("both people must be able to sign in")
    if not confirmed_by.groups.filter(name__in=[Role.RISK, Role.COMPLIANCE]).exists():
        raise AbsenceRefused(f"{confirmed_by} needs the role risk or compliance to confirm it")
    if not reason.strip():
        raise AbsenceRefused("say what was looked at, such as the contract note of the day")
