"""The form in which each app states its part of the API."""

from typing import Any, NamedTuple

from apps.core.api.views import ListViewSet


class Route(NamedTuple):
    """One resource: its path below ``/api/v1/`` and the viewset that answers there."""

    prefix: str
    viewset: type[ListViewSet[Any]]
    basename: str
