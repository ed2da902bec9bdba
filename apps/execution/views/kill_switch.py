"""The page that stops trading, and the page of one engagement with its progress and release."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.generic import DetailView, TemplateView

from apps.accounts.mixins import RoleRequiredMixin
from apps.accounts.models import User
from apps.execution.forms import EngageForm, ReleaseForm
from apps.execution.tasks import kill_switch_carry_out_ask
from apps.risk.models import KillSwitch
from apps.risk.selectors import kill_switch_list_for
from apps.risk.services import (
    RiskChangeRefused,
    kill_switch_engage,
    kill_switch_release_approve,
    kill_switch_release_decline,
    kill_switch_release_request,
)

HISTORY_ROWS = 50


@method_decorator(never_cache, name="dispatch")
class KillSwitchBodyView(RoleRequiredMixin, TemplateView):
    """What holds and what held: the part of the page that is asked for again and again."""

    permission_required = "risk.view_killswitch"
    template_name = "execution/_kill_switch_tables.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Read both lists."""
        switches = kill_switch_list_for(self.request.user)
        released = KillSwitch.State.RELEASED
        return super().get_context_data(
            holding=list(switches.exclude(state=released)),
            history=list(switches.filter(state=released)[:HISTORY_ROWS]),
            **kwargs,
        )


class KillSwitchView(KillSwitchBodyView):
    """Engage the kill switch; see what holds and what held."""

    template_name = "execution/kill_switch.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the form for those who may engage."""
        form = kwargs.pop("form", None)
        if form is None and _may_engage(self.request):
            form = EngageForm(user=_person(self.request))
        return super().get_context_data(form=form, **kwargs)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Block at once, ask a worker to cancel, and show how that goes."""
        if not _may_engage(request):
            raise PermissionDenied
        form = EngageForm(request.POST, user=_person(request))
        if form.is_valid():
            switch = _engage(_person(request), form)
            if switch is not None:
                messages.warning(request, f"{switch.scope} is blocked: nothing new is sent.")
                return redirect("execution:kill_switch_detail", switch.pk)
        return self.render_to_response(self.get_context_data(form=form), status=422)


def _may_engage(request: HttpRequest) -> bool:
    return request.user.has_perm("risk.add_killswitch")


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _engage(person: User, form: EngageForm) -> KillSwitch | None:
    """Engage as asked; None: refused, and the form says why."""
    wanted = {name: value for name, value in form.cleaned_data.items() if name != "confirms"}
    try:
        switch = kill_switch_engage(**wanted, actor=person)
    except RiskChangeRefused as refused:
        form.add_error(None, str(refused))
        return None
    transaction.on_commit(partial(kill_switch_carry_out_ask, switch_id=switch.pk))
    return switch


@method_decorator(never_cache, name="dispatch")
class EngagementBodyView(RoleRequiredMixin, DetailView[KillSwitch]):
    """How far an engagement is: the part of its page that is asked for again and again."""

    permission_required = "risk.view_killswitch"
    template_name = "execution/_kill_switch_progress.html"
    context_object_name = "switch"

    def get_queryset(self) -> QuerySet[KillSwitch]:
        """Find it among those that hold accounts of the person."""
        return kill_switch_list_for(self.request.user)


class EngagementView(EngagementBodyView):
    """One engagement: scope, progress, report, and who releases it."""

    template_name = "execution/kill_switch_detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the person may do about it."""
        switch = self.object
        may_release = self.request.user.has_perm("risk.change_killswitch")
        is_asked = switch.state == KillSwitch.State.RELEASE_REQUESTED
        is_other = switch.release_requested_by_id != self.request.user.pk
        return super().get_context_data(
            may_request=may_release and switch.state == KillSwitch.State.ENGAGED,
            may_approve=may_release and is_asked and is_other,
            may_decline=may_release and is_asked,
            form=ReleaseForm(),
            **kwargs,
        )


class ReleaseView(RoleRequiredMixin, View):
    """Ask for the release, approve it as a second person, or leave it engaged."""

    permission_required = "risk.change_killswitch"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Do it and say so, or say why not."""
        switch = get_object_or_404(kill_switch_list_for(request.user), pk=pk)
        reason = request.POST.get("reason", "")
        try:
            said = _release(switch, _person(request), verb, reason)
        except RiskChangeRefused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, said)
        return redirect("execution:kill_switch_detail", pk)


def _release(switch: KillSwitch, person: User, verb: str, reason: str) -> str:
    """Take a step of the release and return what to say.

    Raises:
        RiskChangeRefused: It is not to be had.
    """
    if verb == "request":
        kill_switch_release_request(switch=switch, actor=person, reason=reason)
        return "Its release is asked for; somebody else has to approve it."
    if verb == "approve":
        kill_switch_release_approve(switch=switch, actor=person)
        return f"{switch.scope} is released: orders may be sent again."
    kill_switch_release_decline(switch=switch, actor=person, reason=reason)
    return "It stays engaged."
