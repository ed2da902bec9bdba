"""The list of deployments, and one of them with all that it holds and does."""

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import DetailView, TemplateView

from apps.accounts.mixins import RoleRequiredMixin
from apps.execution.forms import DeploymentFilterForm
from apps.execution.selectors import (
    deployment_page_list,
    deployment_standing,
    webhook_of,
)
from apps.execution.services.runs import EXTERNAL_SIGNALS
from apps.execution.views.persons import person_of
from apps.strategies.models import Deployment

PAGE_SIZE = 50
_TO_READ = ("strategies.view_deployment", "orders.view_order", "positions.view_position")


@method_decorator(never_cache, name="dispatch")
class DeploymentListView(RoleRequiredMixin, TemplateView):
    """Deployments on the person's accounts, by name."""

    permission_required = _TO_READ
    template_name = "execution/deployment_list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Read one page; a filter that makes no sense gives no rows and says why."""
        person = person_of(self.request)
        form = DeploymentFilterForm(self.request.GET, user=person)
        rows: QuerySet[Deployment] = Deployment.objects.none()
        if form.is_valid():
            rows = deployment_page_list(person, **form.cleaned_data)
        page = Paginator(rows, PAGE_SIZE).get_page(self.request.GET.get("page"))
        kept = {name: self.request.GET.get(name, "") for name in form.fields}
        return super().get_context_data(form=form, page=page, kept=urlencode(kept), **kwargs)


@method_decorator(never_cache, name="dispatch")
class DeploymentDetailView(RoleRequiredMixin, DetailView[Deployment]):
    """One deployment: settings, state, what it holds, what it wanted, and the steps it can take."""

    permission_required = _TO_READ
    template_name = "execution/deployment_detail.html"
    context_object_name = "deployment"

    def get_queryset(self) -> QuerySet[Deployment]:
        """Find it among the deployments that the person may read."""
        return deployment_page_list(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add all that moves about it."""
        is_external = self.object.version.name == EXTERNAL_SIGNALS
        return super().get_context_data(
            standing=deployment_standing(self.object),
            is_external=is_external,
            webhook=webhook_of(self.object) if is_external else None,
            **kwargs,
        )


class DeploymentBodyView(DeploymentDetailView):
    """The part of the page that it asks for again and again."""

    template_name = "execution/_deployment_body.html"
