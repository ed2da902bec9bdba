"""Keeps every row of an account that is not the caller's out of sight."""

from typing import Any, ClassVar, TypeVar

from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from apps.accounts.models import TradingAccount
from apps.accounts.selectors import account_list_for
from apps.core.api.filters import NameFilter
from apps.core.api.views import ListViewSet

Row = TypeVar("Row", bound=Model)


class AccountScope(ListViewSet[Row]):
    """Rows that belong to trading accounts, narrowed to those that the caller may see."""

    account_paths: ClassVar[tuple[str, ...]] = ("account",)
    """Lookups that lead to the account; a row is seen when one of them does."""

    def get_queryset(self) -> QuerySet[Row]:
        """Return the rows of visible accounts."""
        visible = account_list_for(self.request.user)
        scope = Q()
        for path in self.account_paths:
            scope |= Q(**{f"{path}__in": visible})
        return super().get_queryset().filter(scope | self.unowned())

    def unowned(self) -> Q:
        """Return the condition of rows that belong to no account and are everyone's to see."""
        return Q(pk__in=[])


def accounts_in_sight(request: Request | None) -> QuerySet[TradingAccount]:
    """Return the accounts that the caller may name in a filter."""
    if request is None:
        return TradingAccount.objects.none()
    return account_list_for(request.user)


class AccountFilter(NameFilter):
    """Rows of one trading account, by its name."""

    def __init__(self, field_name: str = "account", **kwargs: Any) -> None:
        """Offer the caller's accounts only."""
        super().__init__(
            field_name=field_name,
            noun="account",
            to_field_name="name",
            queryset=accounts_in_sight,
            label="Name of a trading account",
            **kwargs,
        )
