"""What the API shows of strategy versions, deployments and signals."""

from rest_framework import serializers

from apps.core.api.serializers import NameField, RowSerializer
from apps.strategies.models import Deployment, Signal, StrategyVersion


class StrategyVersionSerializer(RowSerializer[StrategyVersion]):
    """A version of a strategy by the hash of its source; the source itself stays at the desk."""

    class Meta:
        model = StrategyVersion
        fields = ("id", "name", "source_sha256", "parameters_schema", "recorded_at")


class DeploymentSerializer(RowSerializer[Deployment]):
    """A strategy version at work on an account."""

    account = NameField()
    strategy = serializers.CharField(source="version.name", read_only=True)
    instruments = NameField("symbol", many=True)
    submitted_by = NameField("email")
    approved_by = NameField("email")

    class Meta:
        model = Deployment
        fields = (
            "name",
            "account",
            "strategy",
            "version",
            "instruments",
            "timeframe",
            "parameters",
            "sizing_method",
            "sizing_value",
            "sizing_cap_ratio",
            "maximum_slippage_bps",
            "turns_market_into_limit",
            "collar_bps",
            "on_pause",
            "on_stop",
            "on_halt",
            "on_delisting",
            "mode",
            "state",
            "state_reason",
            "submitted_by",
            "approved_by",
            "approved_at",
            "created_at",
        )


class SignalSerializer(RowSerializer[Signal]):
    """What a strategy wanted after one bar."""

    deployment = NameField()
    instrument = NameField("symbol")

    class Meta:
        model = Signal
        fields = (
            "id",
            "deployment",
            "instrument",
            "bar_open_at",
            "as_of",
            "action",
            "reference_price",
            "limit_price",
            "stop_loss_ratio",
            "take_profit_ratio",
            "strength",
            "recorded_at",
        )
