"""Answers under ``/api/v1/audit-events/``."""

from typing import Any

import django_filters
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.compliance.api.serializers import AuditEventSerializer
from apps.compliance.selectors import audit_event_list_between
from apps.core.api.filters import IdFilter, QueryFilterSet, moment_window
from apps.core.api.views import ReadOnlyViewSet
from apps.core.models import AuditEvent

READERS = frozenset({Role.RISK, Role.COMPLIANCE, Role.AUDITOR})


class ReadsAuditTrail(BasePermission):
    """Lets in the roles whose work the trail is."""

    message = "The audit trail is open to the roles risk, compliance and auditor."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the caller has one of the roles."""
        user = request.user
        if not isinstance(user, User):
            return False
        return user.is_superuser or user.groups.filter(name__in=READERS).exists()


class AuditEventFilters(QueryFilterSet):
    """Filters of the audit trail."""

    action = django_filters.CharFilter(label="Past tense, such as order.cancel_requested")
    subject_type = django_filters.CharFilter(label="Model label, such as orders.Order")
    subject_id = django_filters.CharFilter(label="Id of the subject")
    actor_id = IdFilter(label="Id of the person who acted")
    from_, to = moment_window("occurred_at")


class AuditEventViewSet(ReadOnlyViewSet[AuditEvent]):
    """The trail of the whole desk, across accounts."""

    queryset = audit_event_list_between()
    permission_classes = (IsAuthenticated, ReadsAuditTrail)
    serializer_class = AuditEventSerializer
    filterset_class = AuditEventFilters
    lookup_value_converter = "int"
