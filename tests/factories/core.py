"""Rows of apps.core."""

import factory

from apps.core.models import AuditEvent
from tests.factories.base import RowFactory


class AuditEventFactory(RowFactory[AuditEvent]):
    class Meta:
        model = AuditEvent

    action = "deployment.started"
    subject_type = "strategies.Deployment"
    subject_id = factory.Sequence(str)
    subject_label = factory.Sequence(lambda n: f"deployment-{n}")
    actor_label = "desk"
