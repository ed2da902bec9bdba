"""What people fill in: an order, its change, its end, the kill switch, and what they ask."""

from apps.execution.forms.changes import AmendForm, CancelForm
from apps.execution.forms.deployments import DeploymentFilterForm, DeploymentForm
from apps.execution.forms.execution_quality import QualityForm
from apps.execution.forms.kill_switch import EngageForm, ReleaseForm
from apps.execution.forms.order_entry import OrderEntryForm
from apps.execution.forms.parameters import ParametersForm
from apps.execution.forms.strategy_choices import strategy_of

__all__ = [
    "AmendForm",
    "CancelForm",
    "DeploymentFilterForm",
    "DeploymentForm",
    "EngageForm",
    "OrderEntryForm",
    "ParametersForm",
    "QualityForm",
    "ReleaseForm",
    "strategy_of",
]
