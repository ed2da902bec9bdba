"""What the API shows of positions, the ledger and equity."""

from apps.core.api.serializers import NameField, RowSerializer
from apps.positions.models import (
    EquitySnapshot,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Position,
)


class PositionSerializer(RowSerializer[Position]):
    """What a deployment, or a person by hand, holds of an instrument."""

    account = NameField()
    instrument = NameField("symbol")
    deployment = NameField(allow_null=True)

    class Meta:
        model = Position
        fields = (
            "id",
            "account",
            "instrument",
            "deployment",
            "quantity",
            "average_entry_price",
            "realized_pnl",
            "commission",
            "opened_at",
            "updated_at",
        )


class LedgerAccountSerializer(RowSerializer[LedgerAccount]):
    """One account of the chart of accounts and its balance; debit is positive."""

    account = NameField()

    class Meta:
        model = LedgerAccount
        fields = ("account", "code", "currency", "balance")


class LedgerEntrySerializer(RowSerializer[LedgerEntry]):
    """One side of a booked event; debit is positive."""

    ledger_account = NameField("code")

    class Meta:
        model = LedgerEntry
        fields = ("ledger_account", "currency", "amount")


class LedgerTransactionSerializer(RowSerializer[LedgerTransaction]):
    """One booked event; its entries sum to zero in every currency."""

    account = NameField()
    entries = LedgerEntrySerializer(many=True, read_only=True)

    class Meta:
        model = LedgerTransaction
        fields = (
            "id",
            "account",
            "source_type",
            "source_id",
            "description",
            "occurred_at",
            "entries",
            "recorded_at",
        )


class EquitySnapshotSerializer(RowSerializer[EquitySnapshot]):
    """What an account was worth at a moment of market time, in its base currency."""

    account = NameField()

    class Meta:
        model = EquitySnapshot
        fields = ("account", "as_of", "cash", "holdings", "equity")
