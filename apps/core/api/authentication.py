"""Tells a caller who has not signed in so (401), apart from one who may not (403)."""

from rest_framework import authentication
from rest_framework.request import Request


class SessionAuthentication(authentication.SessionAuthentication):
    """Django's session with its CSRF check; a session begins after the second factor."""

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge that RFC 9110 asks for beside a 401."""
        return 'Session realm="desk"'
