"""The page that deploys a strategy: filled in, looked over, created once."""

import json
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from apps.accounts.mixins import RoleRequiredMixin
from apps.accounts.selectors import account_list_tradable
from apps.core.idempotency import (
    Answer,
    KeyReused,
    RequestInFlight,
    answer_once,
    request_sha256,
)
from apps.execution.forms import DeploymentForm, ParametersForm, strategy_of
from apps.execution.views.persons import person_of
from apps.marketdata.selectors import instrument_list_tradable
from apps.strategies.loading import LoadedStrategy, ParametersRefused, StrategyUnloadable
from apps.strategies.services import (
    DeploymentRefused,
    deployment_create,
    strategy_version_record,
)

SUGGESTED_INSTRUMENTS = 200
_CREATED = 303
_REFUSALS = (DeploymentRefused, ParametersRefused, StrategyUnloadable)
_IN_FLIGHT = (
    "It is being created at this moment. Look at the deployments; sent once more, it is not "
    "created twice."
)
_KEY_REUSED = (
    "This form has created a deployment already, with other values. Look at the deployments "
    "first; review it again if you want a second one."
)


class DeployingPage(RoleRequiredMixin, TemplateView):
    """What the pages that deploy share."""

    permission_required = "strategies.add_deployment"


@method_decorator(never_cache, name="dispatch")
class DeploymentParametersView(DeployingPage):
    """The fields of the strategy that is chosen; asked for when another one is."""

    template_name = "execution/_deployment_parameters.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Open the fields with their defaults.

        Raises:
            Http404: There is no such strategy, or it does not run any more.
        """
        try:
            loaded = strategy_of(self.request.GET.get("strategy", ""))
        except StrategyUnloadable as refused:
            raise Http404(str(refused)) from refused
        return super().get_context_data(parameters=ParametersForm(loaded=loaded), **kwargs)


@method_decorator(never_cache, name="dispatch")
class DeploymentNewView(DeployingPage):
    """Deploy a strategy: fill in, look over, create."""

    template_name = "execution/deployment_new.html"
    review_template_name = "execution/deployment_review.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Open an empty form, or show the one that was sent."""
        form = kwargs.pop("form", None)
        if form is None:
            form = DeploymentForm(user=person_of(self.request), initial=self.request.GET.dict())
        parameters = kwargs.pop("parameters", None)
        if parameters is None and (loaded := _loaded(form)) is not None:
            parameters = ParametersForm(loaded=loaded)
        return super().get_context_data(
            form=form,
            parameters=parameters,
            suggested=list(instrument_list_tradable()[:SUGGESTED_INSTRUMENTS]),
            is_member=account_list_tradable(self.request.user).exists(),
            **kwargs,
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Take one of the steps; without a known one, look over."""
        form = DeploymentForm(request.POST, user=person_of(request))
        loaded = _loaded(form)
        if loaded is None:
            return self._refused(form, None)
        parameters = ParametersForm(request.POST, loaded=loaded)
        step = self.steps.get(request.POST.get("step", ""), DeploymentNewView._review)
        return step(self, form, parameters)

    def _edit(self, form: DeploymentForm, parameters: ParametersForm) -> HttpResponse:
        """Go back to filling in, with everything as it was."""
        return self.render_to_response(self.get_context_data(form=form, parameters=parameters))

    def _choose(self, form: DeploymentForm, parameters: ParametersForm) -> HttpResponse:
        """Show the parameters of the strategy that is chosen, with their defaults."""
        fresh = ParametersForm(loaded=parameters.loaded)
        given = {**self.request.POST.dict(), "strategy": form.strategy_key}
        kept = DeploymentForm(user=person_of(self.request), initial=given)
        return self.render_to_response(self.get_context_data(form=kept, parameters=fresh))

    def _review(self, form: DeploymentForm, parameters: ParametersForm) -> HttpResponse:
        """Show the deployment as it would be, and ask for a yes."""
        if not _is_valid(form, parameters):
            return self._refused(form, parameters)
        context = {"form": form, "parameters": parameters, "view": self}
        return render(self.request, self.review_template_name, context)

    def _create(self, form: DeploymentForm, parameters: ParametersForm) -> HttpResponse:
        """Create it, unless this form has created one already."""
        try:
            answer = answer_once(
                user_id=person_of(self.request).pk,
                key=f"page:{self.request.POST.get('key', '')}"[:64],
                request_hash=_hash_of(form, parameters),
                carry_out=lambda: self._carry_out(form, parameters),
            )
        except _NotValid:
            return self._refused(form, parameters)
        except RequestInFlight:
            return self._renewed(_IN_FLIGHT, parameters, keeps_key=True)
        except KeyReused:
            return self._renewed(_KEY_REUSED, parameters)
        except _REFUSALS as refused:
            return self._renewed(f"{refused}.", parameters)
        if answer.is_replayed:
            messages.info(self.request, "This was created before; nothing was created twice.")
        else:
            messages.success(self.request, "It is deployed as a draft, and trades once started.")
        return redirect("execution:deployment_detail", json.loads(answer.body)["deployment"])

    def _carry_out(self, form: DeploymentForm, parameters: ParametersForm) -> Answer:
        if not _is_valid(form, parameters):
            raise _NotValid
        actor = person_of(self.request)
        deployment = deployment_create(
            **form.terms,
            version=strategy_version_record(loaded=parameters.loaded, actor=actor),
            parameters=parameters.cleaned_data,
            mode=form.cleaned_data["account"].mode,
            actor=actor,
        )
        return Answer(status=_CREATED, body=json.dumps({"deployment": deployment.pk}))

    def _renewed(
        self, sentence: str, parameters: ParametersForm, *, keeps_key: bool = False
    ) -> HttpResponse:
        """Show the form as it was with a sentence; its next deployment is another one."""
        posted = self.request.POST.dict()
        if not keeps_key:
            posted["key"] = str(uuid4())
        form = DeploymentForm(posted, user=person_of(self.request))
        form.add_error(None, sentence)
        return self._refused(form, parameters)

    def _refused(self, form: DeploymentForm, parameters: ParametersForm | None) -> HttpResponse:
        context = self.get_context_data(form=form, parameters=parameters)
        return self.render_to_response(context, status=422)

    steps: ClassVar[
        dict[
            str,
            Callable[["DeploymentNewView", DeploymentForm, ParametersForm], HttpResponse],
        ]
    ] = {"edit": _edit, "choose": _choose, "review": _review, "create": _create}


class _NotValid(Exception):
    """What was filled in cannot be deployed; the forms say why."""


def _loaded(form: DeploymentForm) -> LoadedStrategy | None:
    """Return the strategy that is chosen, or None where its source does not run any more."""
    try:
        return strategy_of(form.strategy_key)
    except StrategyUnloadable as refused:
        if form.is_bound:
            form.add_error("strategy", f"{refused}.")
        return None


def _is_valid(form: DeploymentForm, parameters: ParametersForm) -> bool:
    """Check both forms, so that each says what is wrong with it, and then one against the other."""
    is_each_valid = all([form.is_valid(), parameters.is_valid()])
    form.fit_check(parameters.strategy)
    return is_each_valid and not form.errors and not parameters.errors


def _hash_of(form: DeploymentForm, parameters: ParametersForm) -> str:
    """Return what tells one deployment from another, however the form was sent."""
    fields = [*form, *parameters]
    return request_sha256(*(f"{field.html_name}={field.value()}".encode() for field in fields))
