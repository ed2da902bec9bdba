"""Ends sessions that still owe a second factor, on pages, in the admin and in the API alike."""

from collections.abc import Callable

from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.accounts.selectors import second_factor_of


class SecondFactorMiddleware:
    """Sign out a session without a proven second factor whose person has one.

    Sign-in gives no session before the code; this catches one that is older than the enrolment.
    It stands after django-otp's middleware, and costs nothing without a session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, signed out if need be."""
        if SESSION_KEY in request.session and _owes_second_factor(request):
            logout(request)
        return self.get_response(request)


def _owes_second_factor(request: HttpRequest) -> bool:
    user = request.user
    if not isinstance(user, User) or user.is_verified():  # type: ignore[attr-defined]  # by OTP
        return False
    return second_factor_of(user) is not None
