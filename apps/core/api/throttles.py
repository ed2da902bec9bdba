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
