"""What the API shows of the audit trail."""

from apps.core.api.serializers import RowSerializer
from apps.core.models import AuditEvent


class AuditEventSerializer(RowSerializer[AuditEvent]):
    """Who did what to which thing, when and why."""

    class Meta:
        model = AuditEvent
        fields = (
            "id",
            "action",
            "subject_type",
            "subject_id",
            "subject_label",
            "actor_id",
            "actor_label",
            "reason",
            "details",
            "occurred_at",
            "recorded_at",
        )
