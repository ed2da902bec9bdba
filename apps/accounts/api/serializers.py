"""What the API shows of the caller and of trading accounts."""

from rest_framework import serializers

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_for
from apps.core.api.serializers import RowSerializer


class TradingAccountSerializer(RowSerializer[TradingAccount]):
    """A trading account."""

    class Meta:
        model = TradingAccount
        fields = ("name", "broker", "mode", "base_currency", "is_active", "created_at")


class MeSerializer(RowSerializer[User]):
    """The caller, with what follows from their roles and memberships."""

    roles = serializers.SerializerMethodField()
    permissions = serializers.SerializerMethodField()
    accounts = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "email", "full_name", "roles", "permissions", "accounts")

    def get_roles(self, user: User) -> list[str]:
        """Return the names of the groups."""
        return list(user.groups.order_by("name").values_list("name", flat=True))

    def get_permissions(self, user: User) -> list[str]:
        """Return what the roles allow, such as ``strategies.change_deployment``."""
        return sorted(user.get_all_permissions())

    def get_accounts(self, user: User) -> list[str]:
        """Return the names of the trading accounts that the caller may read."""
        return list(account_list_for(user).order_by("name").values_list("name", flat=True))
