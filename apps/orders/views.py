"""The lists of orders and managed orders, and one of each with all that became of it."""

from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import DetailView, TemplateView
from django_htmx.http import HTMX_STOP_POLLING

from apps.accounts.mixins import RoleRequiredMixin
from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_tradable
from apps.orders.domain.groups import GroupState
from apps.orders.domain.states import FINAL, UNRESOLVED, OrderStatus
from apps.orders.forms import GroupFilterForm, OrderFilterForm
from apps.orders.models import Order, OrderGroup
from apps.orders.selectors import (
    amend_objection,
    cancel_objection,
    group_duty,
    group_list_for,
    group_memory_in_words,
    group_page_list,
    group_settings_in_words,
    group_without_desk,
    order_life_list,
    order_list_for,
    order_markets,
    order_measure,
    order_steps,
)

PAGE_SIZE = 50


def may_command(user: User | AnonymousUser, account: TradingAccount) -> bool:
    """Tell whether a person changes and cancels orders of the account."""
    if not user.has_perm("orders.change_order"):
        return False
    return account_list_tradable(user).filter(pk=account.pk).exists()


class PagedListView(RoleRequiredMixin, TemplateView):
    """Rows of the person's accounts, newest first, a page at a time.

    A page starts below a row's id, so that rows which arrive meanwhile shift nothing. The fields of
    the form are the arguments of the selector.
    """

    permission_required = "orders.view_order"
    form_class: type[Form]
    list_for: ClassVar[Callable[..., QuerySet[Any]]]
    rows_name: str
    url_name: str

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Read one page; a filter that makes no sense gives no rows and says why."""
        form = self.form_class(self.request.GET, user=self.request.user)  # type: ignore[call-arg]
        rows: list[Model] = []
        if form.is_valid():
            rows = list(self.list_for(self.request.user, **form.cleaned_data)[: PAGE_SIZE + 1])
        page = rows[:PAGE_SIZE]
        older_url = self._url_before(form, page[-1].pk) if len(rows) > PAGE_SIZE else None
        kwargs[self.rows_name] = page
        return super().get_context_data(form=form, older_url=older_url, **kwargs)

    def _url_before(self, form: Form, pk: int) -> str:
        kept = {name: self.request.GET.get(name, "") for name in form.fields if name != "before"}
        return f"{reverse(self.url_name)}?{urlencode({**kept, 'before': pk})}"


@method_decorator(never_cache, name="dispatch")
class OrderListView(PagedListView):
    """Orders of the person's accounts."""

    template_name = "orders/order_list.html"
    form_class = OrderFilterForm
    list_for = staticmethod(order_list_for)
    rows_name = "orders"
    url_name = "orders:order_list"


@method_decorator(never_cache, name="dispatch")
class GroupListView(PagedListView):
    """Managed orders of the person's accounts."""

    template_name = "orders/group_list.html"
    form_class = GroupFilterForm
    list_for = staticmethod(group_list_for)
    rows_name = "groups"
    url_name = "orders:group_list"


@method_decorator(never_cache, name="dispatch")
class OrderDetailView(RoleRequiredMixin, DetailView[Order]):
    """One order: its life, the market at each moment, what it cost, and who decided it."""

    permission_required = "orders.view_order"
    template_name = "orders/order_detail.html"
    context_object_name = "order"

    def get_queryset(self) -> QuerySet[Order]:
        """Find it among the orders that the person may read."""
        return order_life_list(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add its life and what the person may do about it."""
        order, status = self.object, OrderStatus(self.object.status)
        may_trade = may_command(self.request.user, order.account)
        return super().get_context_data(
            steps=order_steps(order),
            markets=order_markets(order),
            measured=order_measure(order) if order.sent_at else None,
            is_final=status in FINAL,
            is_unresolved=status in UNRESOLVED,
            may_trade=may_trade,
            amend_objection=amend_objection(order) if may_trade else None,
            cancel_objection=cancel_objection(order) if may_trade else None,
            **kwargs,
        )


class OrderBodyView(OrderDetailView):
    """The part of an order's page that is asked for again and again, until the order is over."""

    template_name = "orders/_order_body.html"

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Tell the page to ask no more once nothing more is expected."""
        kwargs["status"] = HTMX_STOP_POLLING if context["is_final"] else None
        return super().render_to_response(context, **kwargs)


@method_decorator(never_cache, name="dispatch")
class GroupDetailView(RoleRequiredMixin, DetailView[OrderGroup]):
    """One managed order: what was asked for, its legs, and what the desk does about it."""

    permission_required = "orders.view_order"
    template_name = "orders/group_detail.html"
    context_object_name = "group"

    def get_queryset(self) -> QuerySet[OrderGroup]:
        """Find it among the managed orders that the person may read."""
        return group_page_list(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the desk does for it, in words."""
        group = self.object
        may_trade = may_command(self.request.user, group.account)
        return super().get_context_data(
            settings_in_words=group_settings_in_words(group),
            memory_in_words=group_memory_in_words(group),
            duty=group_duty(group),
            without_desk=group_without_desk(group),
            is_final=GroupState(group.state).is_final,
            may_cancel=may_trade and group.state == GroupState.ACTIVE,
            **kwargs,
        )


class GroupBodyView(GroupDetailView):
    """The part of a managed order's page that is asked for again and again, until it has ended."""

    template_name = "orders/_group_body.html"

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Tell the page to ask no more once nothing more is planned."""
        kwargs["status"] = HTMX_STOP_POLLING if context["is_final"] else None
        return super().render_to_response(context, **kwargs)
