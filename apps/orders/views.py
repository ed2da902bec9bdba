"""The order list, and one order with all that led to it and all that became of it."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import DetailView, TemplateView

from apps.accounts.mixins import RoleRequiredMixin
from apps.orders.forms import OrderFilterForm
from apps.orders.models import Order
from apps.orders.selectors import order_list_for

PAGE_SIZE = 50


@method_decorator(never_cache, name="dispatch")
class OrderListView(RoleRequiredMixin, TemplateView):
    """Orders of the person's accounts, newest first, a page at a time.

    A page starts below an order's id, so that orders which arrive meanwhile shift nothing.
    """

    permission_required = "orders.view_order"
    template_name = "orders/order_list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Read one page; a filter that makes no sense gives no orders and says why."""
        form = OrderFilterForm(self.request.GET, user=self.request.user)
        orders: list[Order] = []
        if form.is_valid():
            wanted = form.cleaned_data
            orders = list(
                order_list_for(
                    self.request.user,
                    account=wanted["account"],
                    status=wanted["status"],
                    before=wanted["before"],
                )[: PAGE_SIZE + 1]
            )
        page = orders[:PAGE_SIZE]
        older_url = self._url_before(page[-1].pk) if len(orders) > PAGE_SIZE else None
        return super().get_context_data(form=form, orders=page, older_url=older_url, **kwargs)

    def _url_before(self, pk: int) -> str:
        kept = {name: self.request.GET.get(name, "") for name in ("account", "status")}
        return f"{reverse('orders:order_list')}?{urlencode({**kept, 'before': pk})}"


@method_decorator(never_cache, name="dispatch")
class OrderDetailView(RoleRequiredMixin, DetailView[Order]):
    """One order: its signal, the risk decision, every event, the fills and the exits."""

    permission_required = "orders.view_order"
    template_name = "orders/order_detail.html"
    context_object_name = "order"

    def get_queryset(self) -> QuerySet[Order]:
        """Find it among the orders that the person may read."""
        return (
            order_list_for(self.request.user)
            .select_related(
                "account", "instrument", "deployment", "signal", "risk_decision", "parent"
            )
            .prefetch_related("events", "exits__instrument", "freezes")
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the fills in the order in which they happened."""
        fills = self.object.fills.order_by("executed_at", "pk")
        return super().get_context_data(fills=fills, **kwargs)
