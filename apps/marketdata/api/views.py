"""Answers under ``/api/v1/instruments/`` and ``/api/v1/candles/``."""

import django_filters

from apps.core.api.filters import QueryFilterSet, WordFilter, YesNoFilter, moment_window
from apps.core.api.views import ListViewSet, ReadOnlyViewSet
from apps.marketdata.api.filters import InstrumentFilter
from apps.marketdata.api.serializers import CandleSerializer, InstrumentSerializer
from apps.marketdata.models import TIMEFRAMES, Candle, Instrument, InstrumentKind


class InstrumentFilters(QueryFilterSet):
    """Filters of the instrument list."""

    venue = django_filters.CharFilter(label="Venue, such as BYBIT")
    kind = WordFilter(choices=InstrumentKind.choices)
    is_tradable = YesNoFilter()


class InstrumentViewSet(ReadOnlyViewSet[Instrument]):
    """Everything that the desk can trade or watch."""

    queryset = Instrument.objects.all()
    serializer_class = InstrumentSerializer
    filterset_class = InstrumentFilters
    ordering = ("symbol",)
    lookup_field = "symbol"


class CandleFilters(QueryFilterSet):
    """Filters of the candle list; a series is one instrument and one timeframe."""

    instrument = InstrumentFilter(required=True)
    timeframe = WordFilter(choices=TIMEFRAMES, required=True)
    from_, to = moment_window("open_at")


class CandleViewSet(ListViewSet[Candle]):
    """Finished bars of the hot window, newest first; both bounds are open times."""

    queryset = Candle.objects.select_related("instrument")
    serializer_class = CandleSerializer
    filterset_class = CandleFilters
    ordering = ("-open_at",)
