"""The page that enters an order: filled in with a preview beside it, looked over, sent once."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from apps.accounts.mixins import RoleRequiredMixin
from apps.accounts.models import TradingAccount
from apps.accounts.selectors import account_list_tradable
from apps.core.idempotency import (
    Answer,
    KeyReused,
    RequestInFlight,
    answer_once,
    request_sha256,
)
from apps.execution.forms import OrderEntryForm
from apps.execution.selectors import MarketNow
from apps.execution.services.entry import order_enter
from apps.execution.services.markets import market_for
from apps.execution.services.previews import TicketPreview, ticket_preview
from apps.execution.views.persons import person_of, worker_wake
from apps.execution.views.refusals import unless_refused
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import instrument_list_tradable
from apps.orders.domain.entry_kinds import ENTRY_KINDS
from apps.orders.domain.types import OrderOrigin
from apps.orders.selectors import commission_ratio_recent

SUGGESTED_INSTRUMENTS = 200
_LINKED = ("account", "instrument", "side", "kind", "quantity")
_ENTERED, _DENIED = 303, 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """What is known beforehand of an order that is being filled in.

    Attributes:
        market: None where the account or instrument is not chosen, or has no price.
        preview: None while something is missing or wrong.
        fee: Estimate in quote currency at the rate of the last fills; None where there were none.
    """

    account: TradingAccount | None = None
    instrument: Instrument | None = None
    market: MarketNow | None = None
    preview: TicketPreview | None = None
    fee: Decimal | None = None


class OrderEntryPage(RoleRequiredMixin, TemplateView):
    """What the pages of order entry share."""

    permission_required = "orders.add_order"

    def foresight_of(self, form: OrderEntryForm) -> Foresight:
        """Ask what would become of the order; objections land at the form's fields."""
        is_complete = form.is_valid()
        account, instrument = (form.cleaned_data.get(name) for name in ("account", "instrument"))
        if account is None or instrument is None:
            return Foresight(account=account, instrument=instrument)
        market = unless_refused(form, lambda: market_for(account=account, instrument=instrument))
        preview = fee = None
        if is_complete and market is not None:
            ticket = form.ticket(as_of=market.as_of)
            preview = unless_refused(
                form,
                lambda: ticket_preview(
                    account=account,
                    instrument=instrument,
                    ticket=ticket,
                    origin=OrderOrigin.MANUAL,
                ),
            )
        if preview is not None:
            form.objections_add(preview.objections)
            fee = _fee(account, instrument, preview)
        return Foresight(
            account=account, instrument=instrument, market=market, preview=preview, fee=fee
        )


@method_decorator(never_cache, name="dispatch")
class OrderPreviewView(OrderEntryPage):
    """What would become of the order as it is filled in now; asked for at each change."""

    template_name = "execution/_order_preview.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Judge what there is; fields still empty are no fault yet."""
        form = OrderEntryForm(self.request.GET, user=person_of(self.request))
        foresight = self.foresight_of(form)
        return super().get_context_data(form=form, foresight=foresight, **kwargs)


@method_decorator(never_cache, name="dispatch")
class OrderEntryView(OrderEntryPage):
    """Enter an order by hand: fill in, look over, enter."""

    template_name = "execution/order_entry.html"
    review_template_name = "execution/order_entry_review.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Open an empty form, or one that a link has begun to fill in."""
        form = kwargs.pop("form", None)
        if form is None:
            initial = {name: self.request.GET[name] for name in _LINKED if name in self.request.GET}
            form = OrderEntryForm(user=person_of(self.request), initial=initial)
        suggested = list(instrument_list_tradable()[:SUGGESTED_INSTRUMENTS])
        return super().get_context_data(
            form=form,
            suggested=suggested,
            kinds=ENTRY_KINDS,
            is_member=account_list_tradable(self.request.user).exists(),
            **kwargs,
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Take one of the steps; without a known one, look over."""
        form = OrderEntryForm(request.POST, user=person_of(request))
        step = self.steps.get(request.POST.get("step", ""), OrderEntryView._review)
        return step(self, form)

    def _edit(self, form: OrderEntryForm) -> HttpResponse:
        """Go back to filling in, with everything as it was."""
        return self.render_to_response(self.get_context_data(form=form))

    def _review(self, form: OrderEntryForm) -> HttpResponse:
        """Show the order as it would be sent, and ask for a yes."""
        foresight = self.foresight_of(form)
        answer = foresight.preview.answer if foresight.preview else None
        if answer is not None and answer.denial is not None:
            form.add_error(None, _denial(answer.denial.check, answer.denial.reason))
        if form.errors or answer is None:
            return self._refused(form)
        context = super().get_context_data(form=form, foresight=foresight)
        return render(self.request, self.review_template_name, context)

    def _enter(self, form: OrderEntryForm) -> HttpResponse:
        """Enter it, unless this form has entered one already."""
        if not form.is_valid():
            return self._refused(form)
        answer = unless_refused(form, lambda: self._answer(form))
        return self._refused(form) if answer is None else self._told(answer)

    def _answer(self, form: OrderEntryForm) -> Answer | str:
        """Enter it once for its key; a sentence: nothing was done now."""
        try:
            return answer_once(
                user_id=person_of(self.request).pk,
                key=f"page:{form.cleaned_data['key']}",
                request_hash=_hash_of(form),
                carry_out=lambda: self._carry_out(form),
            )
        except RequestInFlight:
            return _IN_FLIGHT
        except KeyReused:
            return _KEY_REUSED

    def _carry_out(self, form: OrderEntryForm) -> Answer:
        account, instrument = form.cleaned_data["account"], form.cleaned_data["instrument"]
        person = person_of(self.request)
        market = market_for(account=account, instrument=instrument)
        entered = order_enter(
            account=account,
            instrument=instrument,
            ticket=form.ticket(as_of=market.as_of),
            key=f"page:{person.pk}:{form.cleaned_data['key']}",
            actor=person,
            origin=OrderOrigin.MANUAL,
        )
        parts = {"order": entered.order, "group": entered.group}
        body: dict[str, Any] = {name: part.pk for name, part in parts.items() if part is not None}
        if not body:
            decision = entered.decision
            said = _denial(decision.check_name, decision.reason)
            return Answer(status=_DENIED, body=json.dumps({"denial": said}))
        worker_wake(account)
        return Answer(status=_ENTERED, body=json.dumps(body))

    def _told(self, answer: Answer | str) -> HttpResponse:
        """Lead to what was entered, or say why nothing was."""
        if isinstance(answer, str):
            return self._renewed(answer, keeps_key=answer == _IN_FLIGHT)
        found = json.loads(answer.body)
        if answer.status == _DENIED:
            return self._renewed(found["denial"])
        if answer.is_replayed:
            messages.info(self.request, "This was entered before; nothing was entered twice.")
        else:
            messages.success(self.request, "It is written down and on its way.")
        if "order" in found:
            return redirect("orders:order_detail", found["order"])
        return redirect("orders:group_detail", found["group"])

    def _renewed(self, sentence: str, *, keeps_key: bool = False) -> HttpResponse:
        """Show the form as it was with a sentence; its next order is another one."""
        posted = self.request.POST.dict()
        if not keeps_key:
            posted["key"] = str(uuid4())
        form = OrderEntryForm(posted, user=person_of(self.request))
        form.add_error(None, sentence)
        return self._refused(form)

    def _refused(self, form: OrderEntryForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    steps: ClassVar[dict[str, Callable[["OrderEntryView", OrderEntryForm], HttpResponse]]] = {
        "edit": _edit,
        "review": _review,
        "enter": _enter,
    }


_IN_FLIGHT = (
    "It is being entered at this moment. Look at the orders; sent once more, it is not entered "
    "twice."
)
_KEY_REUSED = (
    "This form has entered an order already, with other values. Look at the orders first; review "
    "it again if you want a second one."
)


def _denial(check: str, reason: str) -> str:
    return f"The risk gate does not let it pass ({check.replace('_', ' ')}): {reason}."


def _hash_of(form: OrderEntryForm) -> str:
    """Return what tells one order from another, however the form was sent."""
    return request_sha256(*(f"{field.name}={field.value()}".encode() for field in form.asked))


def _fee(account: TradingAccount, instrument: Instrument, preview: TicketPreview) -> Decimal | None:
    ratio = commission_ratio_recent(account=account, instrument=instrument)
    return None if ratio is None else ratio * preview.notional
