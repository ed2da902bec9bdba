"""Everything that may change an order."""

from apps.orders.domain.states import ReportContradicts
from apps.orders.services.amending import (
    AmendmentRefused,
    order_amend_refuse,
    order_amend_request,
    order_amend_sending_note,
)
from apps.orders.services.creation import ExitPlan, OrderPlan, order_create
from apps.orders.services.events import order_locked
from apps.orders.services.fills import fill_record
from apps.orders.services.freezes import freeze_release_for, freeze_set
from apps.orders.services.groups import (
    GroupOrder,
    group_cancel_request,
    group_create,
    group_leg_create,
    group_plan_record,
)
from apps.orders.services.quotes import order_quote_record
from apps.orders.services.reports import OrderNotFound, order_report_record
from apps.orders.services.sending import (
    order_abandon,
    order_absence_record,
    order_absent_end,
    order_cancel_request,
    order_claim,
    order_list_cancel_request,
    order_look_up_note,
    order_mark_unknown,
    order_reject,
    order_return_unsent,
)

__all__ = [
    "AmendmentRefused",
    "ExitPlan",
    "GroupOrder",
    "OrderNotFound",
    "OrderPlan",
    "ReportContradicts",
    "fill_record",
    "freeze_release_for",
    "freeze_set",
    "group_cancel_request",
    "group_create",
    "group_leg_create",
    "group_plan_record",
    "order_abandon",
    "order_absence_record",
    "order_absent_end",
    "order_amend_refuse",
    "order_amend_request",
    "order_amend_sending_note",
    "order_cancel_request",
    "order_claim",
    "order_create",
    "order_list_cancel_request",
    "order_locked",
    "order_look_up_note",
    "order_mark_unknown",
    "order_quote_record",
    "order_reject",
    "order_report_record",
    "order_return_unsent",
]
