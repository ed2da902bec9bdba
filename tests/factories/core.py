"""Rows of apps.core."""

import factory

from apps.core.models import AnsweredRequest, AuditEvent
from tests.factories.base import RowFactory


class AuditEventFactory(RowFactory[AuditEvent]):
    class Meta:
        model = AuditEvent

    action = "deployment.started"
    subject_type = "strategies.Deployment"
    subject_id = factory.Sequence(str)
    subject_label = factory.Sequence(lambda n: f"deployment-{n}")
    actor_label = "desk"


class AnsweredRequestFactory(RowFactory[AnsweredRequest]):
    class Meta:
        model = AnsweredRequest

    user_id = 1
    key = factory.Sequence(lambda n: f"key-{n}")
    request_sha256 = "0" * 64
    status = 201
    content_type = "application/json"
    body = "{}"
