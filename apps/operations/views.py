"""The trader's dashboard, and the steps of deployments that are taken from it."""

from collections.abc import Callable
from dataclasses import dataclass
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
from apps.accounts.selectors import account_list_for
from apps.operations.selectors import dashboard_for, equity_curve
from apps.strategies.loading import ParametersRefused, StrategyUnloadable
from apps.strategies.models import Deployment, PositionPolicy
from apps.strategies.selectors import deployment_list_for
from apps.strategies.services import (
    DeploymentRefused,
    deployment_approve,
    deployment_decline,
    deployment_pause,
    deployment_resume,
    deployment_start,
    deployment_stop,
    deployment_submit,
)


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


@dataclass(frozen=True, slots=True)
class _Command:
    """A button of the dashboard: what it does, who may press it, and what it says then."""

    take: Callable[..., None]
    done: str
    permissions: tuple[str, ...] = ("strategies.change_deployment",)


_STAYS = "Its position stays with its exits; what would open one is taken back."
_COMMANDS: dict[str, _Command] = {
    "start": _Command(deployment_start, "{} has started."),
    "submit": _Command(deployment_submit, "{} awaits approval by somebody else."),
    "approve": _Command(
        deployment_approve,
        "{} is approved and trades live money.",
        ("strategies.approve_deployment",),
    ),
    "decline": _Command(
        deployment_decline,
        "{} is declined and a draft again.",
        ("strategies.change_deployment", "strategies.approve_deployment"),
    ),
    "pause": _Command(deployment_pause, "{} is paused."),
    "resume": _Command(deployment_resume, "{} goes on."),
    "stop": _Command(deployment_stop, "{} has stopped."),
}


class DeploymentCommandView(RoleRequiredMixin, View):
    """Take a step with a deployment, or say why not, and go back to where it was asked for.

    That is the account's dashboard, or with ``back=deployment`` the page of the deployment, where
    a person also says why.
    """

    permission_denied_message = "This is for traders and risk staff; approvals for risk staff."
    http_method_names = ["post"]

    def has_permission(self) -> bool:
        """Ask for one of the command's permissions."""
        permissions = _COMMANDS[self.kwargs["verb"]].permissions
        return any(self.request.user.has_perm(permission) for permission in permissions)

    def post(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Do it and say so."""
        deployment = get_object_or_404(deployment_list_for(request.user), pk=pk)
        command = _COMMANDS[verb]
        is_on_its_page = request.POST.get("back") == "deployment"
        where = "from its page" if is_on_its_page else "from the dashboard"
        reason = request.POST.get("reason", "").strip() or where
        try:
            command.take(deployment=deployment, actor=request.user, reason=reason)
        except (DeploymentRefused, ParametersRefused, StrategyUnloadable) as refused:
            messages.error(request, f"{deployment}: {refused}")
        else:
            messages.success(request, _said(command, verb, deployment))
        if is_on_its_page:
            return redirect("execution:deployment_detail", deployment.pk)
        query = urlencode({"account": deployment.account.name})
        return redirect(f"{reverse('operations:dashboard')}?{query}")


def _said(command: _Command, verb: str, deployment: Deployment) -> str:
    """Say what was done, and what becomes of a position where it trades no more."""
    done = command.done.format(deployment)
    policy = {"pause": deployment.on_pause, "stop": deployment.on_stop}.get(verb)
    if policy is None:
        return done
    return f"{done} {_STAYS if policy == PositionPolicy.KEEP else 'Its position is closed.'}"
