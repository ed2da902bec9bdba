"""What people fill in: an order, its change, its end, and the kill switch."""

from apps.execution.forms.changes import AmendForm, CancelForm
from apps.execution.forms.kill_switch import EngageForm, ReleaseForm
from apps.execution.forms.order_entry import OrderEntryForm

__all__ = ["AmendForm", "CancelForm", "EngageForm", "OrderEntryForm", "ReleaseForm"]
