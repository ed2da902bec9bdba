"""Reads deployments with all that their readers show or need."""

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.strategies.models import Deployment, DeploymentState

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


def deployment_list_running() -> QuerySet[Deployment]:
    """Return the deployments that trade, with version, source, account and instruments."""
    return (
        Deployment.objects.filter(state=DeploymentState.RUNNING)
        .select_related("version", "account")
        .prefetch_related("instruments")
        .order_by("pk")
    )


def deployment_list_for(user: "User | AnonymousUser") -> QuerySet[Deployment]:
    """Return the deployments on accounts that ``user`` is a member of, for a page or the API.

    The source of the version is left out; reading it costs a query per row.
    """
    if not isinstance(user, User) or not user.is_active:
        return Deployment.objects.none()
    return (
        Deployment.objects.filter(account__members=user)
        .select_related("version", "account")
        .defer("version__source", "version__parameters_schema")
        .prefetch_related("instruments")
        .order_by("name")
    )
