"""Where the resources of this app are found."""

from apps.accounts.api.views import MeViewSet, TradingAccountViewSet
from apps.core.api.routes import Route

ROUTES = (
    Route("me", MeViewSet, "me"),
    Route("accounts", TradingAccountViewSet, "account"),
)
