"""The pages that change or end an order, and the commands behind them."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import DetailView

from apps.accounts.mixins import RoleRequiredMixin
from apps.accounts.models import TradingAccount
from apps.execution.forms import AmendForm, CancelForm
from apps.execution.services.changes import (
    AmendedOrder,
    ChangeRefused,
    group_cancel_enter,
    order_amend_enter,
    order_cancel_enter,
)
from apps.execution.views.persons import member_require, person_of, worker_wake
from apps.execution.views.refusals import unless_refused
from apps.orders.domain.types import OrderOrigin
from apps.orders.models import Order, OrderGroup
from apps.orders.selectors import (
    amend_objection,
    cancel_objection,
    group_list_for,
    order_list_for,
)

BY_PAGE = "asked for on its page"


@method_decorator(never_cache, name="dispatch")
class OrderAmendView(RoleRequiredMixin, DetailView[Order]):
    """Ask for another price, quantity or trigger of a working order."""

    permission_required = "orders.change_order"
    template_name = "execution/order_amend.html"
    context_object_name = "order"

    def get_queryset(self) -> QuerySet[Order]:
        """Find it among the orders that the person may read."""
        return order_list_for(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say why it cannot be changed, or open the form with the terms it has."""
        member_require(self.request, self.object.account)
        kwargs.setdefault("form", AmendForm(order=self.object))
        return super().get_context_data(objection=amend_objection(self.object), **kwargs)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the venue, unless a rule or the gate is against it."""
        self.object = self.get_object()
        member_require(request, self.object.account)
        form = AmendForm(request.POST, order=self.object)
        if form.is_valid():
            amended = self._amended(form)
            if amended is not None and not amended.is_denied:
                worker_wake(self.object.account)
                messages.success(request, "The new terms are asked for.")
                return redirect("orders:order_detail", pk)
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def _amended(self, form: AmendForm) -> AmendedOrder | None:
        """Ask for the new terms; None, or a denial: the form says why they are not."""
        amended = unless_refused(
            form,
            lambda: order_amend_enter(
                order=self.object,
                amendment=form.amendment,
                reason=form.cleaned_data["reason"] or BY_PAGE,
                actor=person_of(self.request),
                origin=OrderOrigin.MANUAL,
            ),
        )
        if amended is not None and amended.decision is not None and amended.is_denied:
            check = amended.decision.check_name.replace("_", " ")
            said = f"The risk gate does not let it pass ({check}): {amended.decision.reason}."
            form.add_error(None, f"{said} The order works on as it was.")
        return amended


@method_decorator(never_cache, name="dispatch")
class OrderCancelView(RoleRequiredMixin, DetailView[Order]):
    """Ask once more before an order is canceled, and cancel it."""

    permission_required = "orders.change_order"
    template_name = "execution/order_cancel.html"
    context_object_name = "order"

    def get_queryset(self) -> QuerySet[Order]:
        """Find it among the orders that the person may read."""
        return order_list_for(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say what would be ended, or why it cannot be."""
        member_require(self.request, self.object.account)
        back = reverse("orders:order_detail", args=[self.object.pk])
        objection = cancel_objection(self.object)
        return super().get_context_data(objection=objection, form=CancelForm(), back=back, **kwargs)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancel it, or say why not."""
        order = self.get_object()
        member_require(request, order.account)
        form = CancelForm(request.POST)
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        try:
            order_cancel_enter(order=order, reason=reason or BY_PAGE, actor=person_of(request))
        except ChangeRefused as refused:
            messages.error(request, str(refused))
        else:
            _canceled(request, order.account)
        return redirect("orders:order_detail", pk)


@method_decorator(never_cache, name="dispatch")
class GroupCancelView(RoleRequiredMixin, DetailView[OrderGroup]):
    """Ask once more before a managed order is canceled, and cancel it."""

    permission_required = "orders.change_order"
    template_name = "execution/group_cancel.html"
    context_object_name = "group"

    def get_queryset(self) -> QuerySet[OrderGroup]:
        """Find it among the managed orders that the person may read."""
        return group_list_for(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say what would be ended."""
        member_require(self.request, self.object.account)
        back = reverse("orders:group_detail", args=[self.object.pk])
        return super().get_context_data(form=CancelForm(), back=back, **kwargs)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancel it, or say why not."""
        group = self.get_object()
        member_require(request, group.account)
        form = CancelForm(request.POST)
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        try:
            group_cancel_enter(group=group, reason=reason or BY_PAGE, actor=person_of(request))
        except ChangeRefused as refused:
            messages.error(request, str(refused))
        else:
            _canceled(request, group.account)
        return redirect("orders:group_detail", pk)


def _canceled(request: HttpRequest, account: TradingAccount) -> None:
    worker_wake(account)
    messages.success(request, "Its end is asked for.")
