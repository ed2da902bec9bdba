"""Where the resources of this app are found."""

from apps.core.api.routes import Route
from apps.marketdata.api.views import CandleViewSet, InstrumentViewSet

ROUTES = (
    Route("instruments", InstrumentViewSet, "instrument"),
    Route("candles", CandleViewSet, "candle"),
)
