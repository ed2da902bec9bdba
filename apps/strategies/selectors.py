"""Reads deployments with all that their readers show or need."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.selectors import account_list_for
from apps.core.models import AuditEvent
from apps.core.rows import row_of
from apps.strategies.models import Deployment, DeploymentClosing, DeploymentState


def deployment_list_running() -> QuerySet[Deployment]:
    """Return the deployments that trade, with version, source, account and instruments."""
    return (
        Deployment.objects.filter(state=DeploymentState.RUNNING)
        .select_related("version", "account")
        .prefetch_related("instruments")
        .order_by("pk")
    )


def deployment_list_for(user: User | AnonymousUser) -> QuerySet[Deployment]:
    """Return the deployments on accounts that ``user`` may read, for a page or the API.

    The source of the version is left out; reading it costs a query per row.
    """
    return (
        Deployment.objects.filter(account__in=account_list_for(user))
        .select_related("version", "account")
        .defer("version__source", "version__parameters_schema")
        .prefetch_related("instruments")
        .order_by("name")
    )


def deployment_history(deployment: Deployment) -> QuerySet[AuditEvent]:
    """Return every step that a deployment has taken, newest first."""
    return AuditEvent.objects.filter(
        subject_type=Deployment._meta.label, subject_id=str(deployment.pk)
    ).order_by("-pk")


_CLOSING = """
SELECT id FROM strategies_deploymentclosing
WHERE deployment_id = %(deployment)s AND done_at IS NULL LIMIT 1
"""


def closing_list_open(*, deployment: Deployment) -> list[DeploymentClosing]:
    """Return the positions that a deployment must still close, oldest first."""
    if row_of(_CLOSING, {"deployment": deployment.pk}) is None:
        return []
    return list(
        DeploymentClosing.objects.filter(deployment=deployment, done_at=None)
        .select_related("deployment", "instrument")
        .order_by("pk")
    )


_ORDINAL = """
SELECT count(*) FROM strategies_deployment WHERE account_id = %(account)s AND id < %(deployment)s
"""


def deployment_ordinal(*, deployment: Deployment) -> int:
    """Return how many deployments of the account are older."""
    row = row_of(_ORDINAL, {"account": deployment.account_id, "deployment": deployment.pk})
    return int(row[0]) if row else 0
