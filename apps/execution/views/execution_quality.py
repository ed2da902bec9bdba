"""What executions cost: figures, charts and a table by strategy, instrument, broker or hour."""

from dataclasses import dataclass
from typing import Any

from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from apps.accounts.mixins import RoleRequiredMixin
from apps.execution.forms import QualityForm
from apps.execution.views.quality_charts import (
    ColumnChart,
    LatencyChart,
    histogram_chart,
    hour_chart,
    latency_chart,
)
from apps.orders.selectors.quality import (
    QualityFigures,
    QualityTable,
    execution_quality_table,
    slippage_histogram,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencySection:
    """What the page shows of the orders of one quote currency."""

    total: QualityFigures
    latency: LatencyChart | None
    hours: ColumnChart | None


@method_decorator(never_cache, name="dispatch")
class ExecutionQualityView(RoleRequiredMixin, TemplateView):
    """Execution quality of the person's accounts, 30 days of it unless they choose others."""

    permission_required = "orders.view_order"
    template_name = "execution/execution_quality.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Measure; a filter that makes no sense gives no figures and says why."""
        form = QualityForm(self.request.GET, user=self.request.user)
        if not form.is_valid():
            return super().get_context_data(form=form, **kwargs)
        window = form.window
        table = execution_quality_table(window=window, by=form.grouping)
        histogram = slippage_histogram(window=window, table=table)
        return super().get_context_data(
            form=form,
            window=window,
            by=form.grouping,
            table=table,
            sections=[_section(table, total) for total in table.totals],
            histogram=histogram_chart(histogram) if histogram else None,
            **kwargs,
        )


def _section(table: QualityTable, total: QualityFigures) -> CurrencySection:
    own = [hour for hour in table.hours if hour.currency == total.currency]
    return CurrencySection(total=total, latency=latency_chart(total), hours=hour_chart(own))
