"""What the API shows of a trading account."""

from apps.accounts.models import TradingAccount
from apps.core.api.serializers import RowSerializer


class TradingAccountSerializer(RowSerializer[TradingAccount]):
    """A trading account."""

    class Meta:
        model = TradingAccount
        fields = ("name", "broker", "mode", "base_currency", "is_active", "created_at")
