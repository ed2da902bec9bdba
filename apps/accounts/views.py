"""Sign-in in one or two steps, its end, the enrolment of a second factor, and a new password."""

import time
from base64 import b32encode
from typing import Any

import django_otp
import qrcode
import qrcode.image.svg
from axes.helpers import get_cool_off
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LoginView, LogoutView, RedirectURLMixin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString, mark_safe
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView
from rest_framework.exceptions import Throttled

from apps.accounts.forms import CodeForm, PasswordForm, SignInForm
from apps.accounts.models import Authenticator, RecoveryCode, User
from apps.accounts.selectors import second_factor_of
from apps.accounts.services import (
    CodeRefused,
    password_change,
    recovery_codes_renew,
    second_factor_confirm,
    second_factor_start,
    second_factor_verify,
    sign_in_record,
    sign_out_record,
)
from apps.core.api.problems import problem_json

PENDING_KEY = "accounts.second_factor_pending"
PENDING_SECONDS = 300
"""How long a right password waits for its code."""


class SignInView(LoginView):
    """The first step. It signs in only those who have no second factor yet, to set one up."""

    form_class = SignInForm
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Ask for the code, or sign in."""
        user: User = form.get_user()
        if second_factor_of(user) is None:
            with transaction.atomic():
                sign_in_record(user=user, proof="password")
                return super().form_valid(form)
        self.request.session.cycle_key()
        self.request.session[PENDING_KEY] = {
            "user_id": user.pk,
            "password_hash": user.get_session_auth_hash(),
            "backend": user.backend,  # set by authenticate()
            "until": time.time() + PENDING_SECONDS,
            "next": self.get_redirect_url(),
        }
        return redirect("accounts:second_factor")


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class SecondFactorView(RedirectURLMixin, FormView[CodeForm]):
    """The second step: nobody is signed in before it."""

    form_class = CodeForm
    template_name = "accounts/second_factor.html"
    next_page = settings.LOGIN_REDIRECT_URL

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Turn away who has not given a password in the last minutes."""
        person = _pending_user(request)
        if person is None:
            messages.warning(request, "The sign-in took too long. Start again.")
            return redirect("accounts:sign_in")
        self.person = person
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        """Check the code and sign in."""
        try:
            device = second_factor_verify(user=self.person, code=form.cleaned_data["code"])
        except CodeRefused as refused:
            form.add_error("code", str(refused))
            return self.form_invalid(form)
        pending = self.request.session.pop(PENDING_KEY)
        with transaction.atomic():
            login(self.request, self.person, backend=pending["backend"])
            django_otp.login(self.request, device)
            sign_in_record(user=self.person, proof=device.name)
        return redirect(pending["next"] or self.get_default_redirect_url())


class SignOutView(LogoutView):
    """The end of a session."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Record it and end it; without a session there is nothing to record."""
        if isinstance(request.user, User):
            sign_out_record(user=request.user)
        return super().post(request, *args, **kwargs)


def sign_in_paused(request: HttpRequest, *_: Any) -> HttpResponse:
    """Say that sign-in pauses after too many failures; django-axes calls it in the view's place."""
    wait_seconds = int(get_cool_off(request).total_seconds())
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return problem_json(
            Throttled(wait_seconds, "Too many failed sign-ins for this e-mail address from here.")
        )
    context = {"failure_limit": settings.AXES_FAILURE_LIMIT, "wait_minutes": wait_seconds // 60}
    page = render(request, "accounts/sign_in_paused.html", context, status=429)
    page["Retry-After"] = str(wait_seconds)
    return page


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class EnrolmentView(LoginRequiredMixin, RedirectURLMixin, View):
    """Show a secret to scan, take the first code, then show the recovery codes once."""

    next_page = settings.LOGIN_REDIRECT_URL
    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the secret, or that the second factor is on."""
        person = _person(request)
        if second_factor_of(person) is not None:
            return _status_page(request, CodeForm())
        return self._enrolment_page(CodeForm(), second_factor_start(user=person))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Confirm the device with a code."""
        person = _person(request)
        form = CodeForm(request.POST)
        if form.is_valid():
            try:
                device, codes = second_factor_confirm(user=person, code=form.cleaned_data["code"])
            except CodeRefused as refused:
                form.add_error("code", str(refused))
            else:
                django_otp.login(request, device)
                return self._codes_page(codes)
        if second_factor_of(person) is not None:
            return _status_page(request, CodeForm())
        return self._enrolment_page(form, second_factor_start(user=person))

    def _enrolment_page(self, form: CodeForm, device: Authenticator) -> HttpResponse:
        secret = b32encode(device.bin_key).decode().rstrip("=")
        context = {
            "form": form,
            "next": self.get_redirect_url(),
            "otp_url": device.config_url,
            "qr_code": _qr_code(device.config_url),
            "secret_groups": [secret[at : at + 4] for at in range(0, len(secret), 4)],
        }
        return render(self.request, "accounts/enrolment.html", context)

    def _codes_page(self, codes: list[str]) -> HttpResponse:
        context = {"codes": codes, "continue_url": self.get_success_url()}
        return render(self.request, "accounts/recovery_codes.html", context)


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class RecoveryCodesView(LoginRequiredMixin, View):
    """Give new recovery codes against a code of the authenticator."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Replace the codes and show the new ones this once."""
        form = CodeForm(request.POST)
        if form.is_valid():
            try:
                codes = recovery_codes_renew(user=_person(request), code=form.cleaned_data["code"])
            except CodeRefused as refused:
                form.add_error("code", str(refused))
            else:
                context = {"codes": codes, "continue_url": reverse("operations:dashboard")}
                return render(request, "accounts/recovery_codes.html", context)
        return _status_page(request, form)


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class PasswordView(LoginRequiredMixin, FormView[PasswordForm]):
    """A new password against the old one; every other session of the person ends."""

    form_class = PasswordForm
    template_name = "accounts/password.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form the person whose old password counts."""
        return {**super().get_form_kwargs(), "user": _person(self.request)}

    def form_valid(self, form: PasswordForm) -> HttpResponse:
        """Change it and keep this session."""
        person = _person(self.request)
        password_change(user=person, password=form.cleaned_data["new_password1"])
        update_session_auth_hash(self.request, person)
        messages.success(self.request, "The password is changed. Other sessions have ended.")
        return redirect("operations:dashboard")


def _person(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User):
        raise TypeError("the view must require a login")
    return user


def _pending_user(request: HttpRequest) -> User | None:
    pending = request.session.get(PENDING_KEY)
    if pending is None or pending["until"] < time.time():
        return None
    person = User.objects.filter(pk=pending["user_id"], is_active=True).first()
    if person is None or person.get_session_auth_hash() != pending["password_hash"]:
        return None
    return person


def _status_page(request: HttpRequest, form: CodeForm) -> HttpResponse:
    left = RecoveryCode.objects.filter(device__user=_person(request)).count()
    return render(request, "accounts/second_factor_status.html", {"form": form, "codes_left": left})


def _qr_code(text: str) -> SafeString:
    # Drawn by the library from our own address: digits of path commands, no markup from outside
    image = qrcode.make(text, image_factory=qrcode.image.svg.SvgPathImage, border=2)
    markup: str = image.to_string(encoding="unicode")
    return mark_safe(markup)  # noqa: S308  see above
