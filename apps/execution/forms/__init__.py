"""What people fill in: an order, its change, its end, the kill switch, and what they ask."""

from apps.execution.forms.changes import AmendForm, CancelForm
from apps.execution.forms.execution_quality import QualityForm
from apps.execution.forms.kill_switch import EngageForm, ReleaseForm
from apps.execution.forms.order_entry import OrderEntryForm

__all__ = ["AmendForm", "CancelForm", "EngageForm", "OrderEntryForm", "QualityForm", "ReleaseForm"]
