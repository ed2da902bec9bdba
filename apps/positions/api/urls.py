"""Where the resources of this app are found."""

from apps.core.api.routes import Route
from apps.positions.api.views import (
    EquityViewSet,
    LedgerAccountViewSet,
    LedgerTransactionViewSet,
    PositionViewSet,
)

ROUTES = (
    Route("positions", PositionViewSet, "position"),
    Route("ledger-accounts", LedgerAccountViewSet, "ledger-account"),
    Route("ledger-transactions", LedgerTransactionViewSet, "ledger-transaction"),
    Route("equity", EquityViewSet, "equity"),
)
