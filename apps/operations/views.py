"""The trader's dashboard, and starting and stopping deployments from it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from apps.accounts.mixins import RoleRequiredMixin
from apps.accounts.models import User
from apps.accounts.selectors import account_list_for
from apps.operations.selectors import dashboard_for, equity_curve
from apps.strategies.loading import ParametersRefused, StrategyUnloadable
from apps.strategies.models import Deployment
from apps.strategies.selectors import deployment_list_for
from apps.strategies.services import DeploymentRefused, deployment_start, deployment_stop


@method_decorator(never_cache, name="dispatch")
class DashboardView(RoleRequiredMixin, TemplateView):
    """Accounts in short, one of them in full."""

    permission_required = ("orders.view_order", "positions.view_position")
    template_name = "operations/dashboard.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Read everything for the person who asks.

        Raises:
            Http404: The account does not exist for them.
        """
        dashboard = dashboard_for(self.request.user, account_name=self.request.GET.get("account"))
        if dashboard is None:
            raise Http404
        return super().get_context_data(dashboard=dashboard, **kwargs)


class DashboardBodyView(DashboardView):
    """The part of the dashboard that the page asks for again and again."""

    template_name = "operations/_dashboard_body.html"


@method_decorator(never_cache, name="dispatch")
class EquityCurveView(RoleRequiredMixin, View):
    """The points of an account's equity curve, for drawing."""

    permission_required = "positions.view_equitysnapshot"
    http_method_names = ["get"]

    def get(self, request: HttpRequest, account_name: str) -> HttpResponse:
        """Return seconds since 1970 and equity; floats, since pixels need no more."""
        account = get_object_or_404(account_list_for(request.user), name=account_name)
        points = [
            {"time": int(moment.timestamp()), "value": float(equity)}
            for moment, equity in equity_curve(account)
        ]
        return JsonResponse({"currency": account.base_currency, "points": points})


class _DeploymentCommandView(RoleRequiredMixin, View):
    permission_required = "strategies.change_deployment"
    permission_denied_message = "Starting and stopping deployments is for traders and risk staff."
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Do it, or say why not, and go back to the account's dashboard."""
        deployment = get_object_or_404(deployment_list_for(request.user), pk=pk)
        try:
            done = self.command(deployment, request.user)
        except (DeploymentRefused, ParametersRefused, StrategyUnloadable) as refused:
            messages.error(request, f"{deployment}: {refused}")
        else:
            messages.success(request, done)
        query = urlencode({"account": deployment.account.name})
        return redirect(f"{reverse('operations:dashboard')}?{query}")

    def command(self, deployment: Deployment, actor: Any) -> str:
        raise NotImplementedError


class DeploymentStartView(_DeploymentCommandView):
    """Let a deployment trade."""

    def command(self, deployment: Deployment, actor: User) -> str:
        """Start it."""
        deployment_start(deployment=deployment, actor=actor, reason="from the dashboard")
        return f"{deployment} has started."


class DeploymentStopView(_DeploymentCommandView):
    """Let a deployment trade no more."""

    def command(self, deployment: Deployment, actor: User) -> str:
        """Stop it."""
        deployment_stop(deployment=deployment, actor=actor, reason="from the dashboard")
        return f"{deployment} has stopped. Its positions and working orders stay as they are."
