"""What the API shows of reconciliation runs and breaks."""

from apps.core.api.serializers import NameField, RowSerializer
from apps.reconciliation.models import Break, ReconciliationRun


class ReconciliationRunSerializer(RowSerializer[ReconciliationRun]):
    """One comparison of an account with its broker."""

    account = NameField()

    class Meta:
        model = ReconciliationRun
        fields = (
            "id",
            "account",
            "trigger",
            "result",
            "started_at",
            "orders_compared",
            "fills_compared",
            "positions_compared",
            "balances_compared",
            "breaks_found",
            "failure",
            "recorded_at",
        )


class BreakSerializer(RowSerializer[Break]):
    """One difference between the desk's books and the broker's."""

    account = NameField()
    instrument = NameField("symbol", allow_null=True)

    class Meta:
        model = Break
        fields = (
            "id",
            "account",
            "run",
            "kind",
            "key",
            "instrument",
            "order",
            "ours",
            "theirs",
            "description",
            "state",
            "opened_at",
            "resolved_at",
            "resolution",
        )
