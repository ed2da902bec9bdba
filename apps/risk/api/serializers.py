"""What the API shows of limits, trading states and risk decisions."""

from apps.core.api.serializers import NameField, RowSerializer
from apps.risk.models import KillSwitch, RiskDecision, RiskLimit, TradingState


class RiskLimitSerializer(RowSerializer[RiskLimit]):
    """One version of a limit; of the desk when it names no account and no deployment."""

    account = NameField(allow_null=True)
    deployment = NameField(allow_null=True)
    instrument = NameField("symbol", allow_null=True)

    class Meta:
        model = RiskLimit
        fields = (
            "id",
            "account",
            "deployment",
            "instrument",
            "kind",
            "is_soft",
            "value",
            "version",
            "is_current",
            "created_at",
        )


class TradingStateSerializer(RowSerializer[TradingState]):
    """One switch; of the desk when it names no account and no deployment."""

    account = NameField(allow_null=True)
    deployment = NameField(allow_null=True)

    class Meta:
        model = TradingState
        fields = ("account", "deployment", "state", "reason", "changed_at")


class KillSwitchSerializer(RowSerializer[KillSwitch]):
    """One engagement of the kill switch; of the desk when it names no scope."""

    account = NameField(allow_null=True)
    deployment = NameField(allow_null=True)
    instrument = NameField("symbol", allow_null=True)
    engaged_by = NameField("email", allow_null=True)
    release_requested_by = NameField("email", allow_null=True)
    released_by = NameField("email", allow_null=True)

    class Meta:
        model = KillSwitch
        fields = (
            "id",
            "account",
            "deployment",
            "instrument",
            "strategy_name",
            "state",
            "reason",
            "flattens",
            "is_drill",
            "engaged_by",
            "engaged_at",
            "canceled_at",
            "flat_at",
            "report",
            "release_requested_by",
            "release_reason",
            "release_requested_at",
            "released_by",
            "released_at",
        )


class RiskDecisionSerializer(RowSerializer[RiskDecision]):
    """One pass through the gate, with the inputs that it was decided on."""

    account = NameField()
    deployment = NameField(allow_null=True)
    instrument = NameField("symbol")

    class Meta:
        model = RiskDecision
        fields = (
            "id",
            "account",
            "deployment",
            "instrument",
            "signal",
            "outcome",
            "check_name",
            "reason",
            "intent",
            "context",
            "warnings",
            "decided_at",
            "recorded_at",
        )
