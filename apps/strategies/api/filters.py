"""The filter by deployment that the lists of other apps share."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.accounts.api.scope import accounts_in_sight
from apps.core.api.filters import NameFilter
from apps.strategies.models import Deployment


def _deployments_in_sight(request: Request | None) -> QuerySet[Deployment]:
    return Deployment.objects.filter(account__in=accounts_in_sight(request))


class DeploymentFilter(NameFilter):
    """Rows of one deployment, by its name."""

    def __init__(self, field_name: str = "deployment", **kwargs: Any) -> None:
        """Offer deployments on the caller's accounts only."""
        super().__init__(
            field_name=field_name,
            noun="deployment",
            to_field_name="name",
            queryset=_deployments_in_sight,
            label="Name of a deployment",
            **kwargs,
        )
