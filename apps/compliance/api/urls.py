"""Where the resources of this app are found."""

from apps.compliance.api.views import AuditEventViewSet
from apps.core.api.routes import Route

ROUTES = (Route("audit-events", AuditEventViewSet, "audit-event"),)
