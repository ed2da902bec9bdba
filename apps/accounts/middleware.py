"""Lets nobody past sign-in without a second factor: on pages, in the admin and in the API alike."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import REDIRECT_FIELD_NAME, SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_otp import DEVICE_ID_SESSION_KEY
from rest_framework.exceptions import PermissionDenied

from apps.accounts.models import User
from apps.accounts.selectors import second_factor_of
from apps.accounts.services import sign_out_record
from apps.core.api.problems import problem_json

OPEN_BEFORE_ENROLMENT = frozenset({"accounts:enrolment", "accounts:sign_out", "favicon"})
"""What a person may open who has given a password and has no second factor yet."""

API_PREFIX = "/api/"


class SecondFactorMiddleware:
    """Sign out a session that owes a code, and send one without an authenticator to enrol.

    Sign-in gives no session before the code to who has an authenticator; this catches a session
    that is older than the enrolment, and one whose device was reset since. It stands after
    django-otp's middleware, and costs no query without a session or with a proven one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, signed out if need be."""
        was_proven = DEVICE_ID_SESSION_KEY in request.session
        person = _unproven(request)  # django-otp forgets the session's device if it is gone
        if person is not None and (was_proven or second_factor_of(person) is not None):
            sign_out_record(user=person, reason="the second factor has changed since")
            logout(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Turn away who has no second factor at all, except to where they get one."""
        if _unproven(request) is None:
            return None
        match = request.resolver_match
        if match is not None and match.view_name in OPEN_BEFORE_ENROLMENT:
            return None
        enrolment = reverse("accounts:enrolment")
        if request.path_info.startswith(API_PREFIX):
            return problem_json(
                PermissionDenied(f"You have no second factor yet. Set it up at {enrolment} first.")
            )
        query = urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})
        return redirect(f"{enrolment}?{query}")


def _unproven(request: HttpRequest) -> User | None:
    """Return who has a session without a proven second factor, or None."""
    if SESSION_KEY not in request.session:
        return None
    user = request.user
    if not isinstance(user, User) or user.is_verified():  # type: ignore[attr-defined]  # by OTP
        return None
    return user
