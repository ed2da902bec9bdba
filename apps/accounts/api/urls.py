"""Where the resources of this app are found."""

from apps.accounts.api.views import TradingAccountViewSet
from apps.core.api.routes import Route

ROUTES = (Route("accounts", TradingAccountViewSet, "account"),)
