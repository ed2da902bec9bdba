"""Bounds how often one caller may ask; a cache that is down lets reads through, with a warning."""

import logging

from redis.exceptions import RedisError
from rest_framework import views
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle, UserRateThrottle

logger = logging.getLogger(__name__)


class _ThrottleThatSurvives(SimpleRateThrottle):
    def allow_request(self, request: Request, view: "views.APIView") -> bool:
        """Count the request; when nobody can count, allow it: the limit protects, not decides."""
        try:
            return super().allow_request(request, view)
        except RedisError as error:
            logger.warning("API requests are not being counted: %s", error)
            return True


class AnonymousThrottle(_ThrottleThatSurvives, AnonRateThrottle):
    """Counts callers without a session by address."""

    rate = "60/min"


class UserThrottle(_ThrottleThatSurvives, UserRateThrottle):
    """Counts signed-in callers by user."""

    rate = "600/min"


class WebhookThrottle(_ThrottleThatSurvives, SimpleRateThrottle):
    """Counts what arrives at webhooks by address of the sender, apart from everything else."""

    scope = "webhook"
    rate = "120/min"

    def get_cache_key(self, request: Request, view: "views.APIView") -> str:
        """Return whose count it is."""
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}
