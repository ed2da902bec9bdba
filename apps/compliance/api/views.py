"""Answers under ``/api/v1/audit-events/``."""

import django_filters

from apps.compliance.api.serializers import AuditEventSerializer
from apps.compliance.selectors import audit_event_list_between
from apps.core.api.filters import IdFilter, QueryFilterSet, moment_window
from apps.core.api.views import ReadOnlyViewSet
from apps.core.models import AuditEvent


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
    serializer_class = AuditEventSerializer
    filterset_class = AuditEventFilters
    lookup_value_converter = "int"
