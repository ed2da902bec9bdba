"""The operator's view of an order whose outcome is not known."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import DetailView
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts.mixins import RoleRequiredMixin
from apps.execution.selectors import outcome_search
from apps.execution.tasks import WAIT_SECONDS
from apps.orders.models import Order
from apps.orders.selectors import UNRESOLVED_VALUES, order_list_for


@method_decorator(never_cache, name="dispatch")
class OrderOutcomeView(RoleRequiredMixin, DetailView[Order]):
    """Since when, who looks, what rests meanwhile, and what comes next; asked for again and again.

    Once the outcome is known, the page around it is asked to show that.
    """

    permission_required = "orders.view_order"
    template_name = "execution/_order_outcome.html"
    context_object_name = "order"

    def get_queryset(self) -> QuerySet[Order]:
        """Find it among the orders that the person may read."""
        return order_list_for(self.request.user)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the search, or have the page read again when it is over."""
        self.object = self.get_object()
        if self.object.status not in UNRESOLVED_VALUES:
            return HttpResponseClientRefresh()
        return self.render_to_response(self.get_context_data())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the search and how often it is repeated."""
        return super().get_context_data(
            search=outcome_search(self.object),
            wait_seconds=WAIT_SECONDS,
            sweep_seconds=settings.CELERY_BEAT_SCHEDULE["sweep"]["schedule"],
            **kwargs,
        )
