"""Where the resources of this app are found."""

from apps.core.api.routes import Route
from apps.reconciliation.api.views import BreakViewSet, ReconciliationRunViewSet

ROUTES = (
    Route("reconciliation-runs", ReconciliationRunViewSet, "reconciliation-run"),
    Route("breaks", BreakViewSet, "break"),
)
