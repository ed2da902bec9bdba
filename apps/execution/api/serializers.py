"""What the commands of the API take and give."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.models import TradingAccount
from apps.accounts.selectors import account_list_tradable
from apps.core.api.serializers import CommandSerializer, MomentField, PlainDecimalField
from apps.marketdata.models import Instrument
from apps.orders.api.serializers import OrderDetailSerializer, OrderGroupDetailSerializer
from apps.orders.domain.groups import GroupKind
from apps.orders.domain.tickets import OrderTicket
from apps.orders.domain.types import OrderType, Side, TimeInForce
from apps.orders.models import ORDER_TYPES, SIDES, TIMES_IN_FORCE

_MANAGED = (GroupKind.OCO, GroupKind.BRACKET, GroupKind.ICEBERG, GroupKind.TWAP)
_REASON = 400


@extend_schema_field(OpenApiTypes.STR)
class _TradableAccount(serializers.SlugRelatedField[TradingAccount]):
    def get_queryset(self) -> QuerySet[TradingAccount]:
        """Offer the accounts that the caller may trade."""
        return account_list_tradable(self.context["request"].user)


class OrderEntrySerializer(CommandSerializer):
    """An order to be entered."""

    account = _TradableAccount(
        slug_field="name",
        error_messages={"does_not_exist": "There is no account {value} that you may trade."},
        help_text="Name of an account of which you are a member.",
    )
    instrument: serializers.SlugRelatedField[Instrument] = serializers.SlugRelatedField(
        slug_field="symbol",
        queryset=Instrument.objects.all(),
        error_messages={"does_not_exist": "There is no instrument {value}."},
        help_text="Symbol, such as `BYBIT:BTCUSDT.P`.",
    )
    side = serializers.ChoiceField(choices=SIDES)
    quantity = PlainDecimalField(help_text="Units; a multiple of the lot size.")
    order_type = serializers.ChoiceField(
        choices=ORDER_TYPES,
        default=OrderType.MARKET.value,
        help_text="Left out for a managed order.",
    )
    group = serializers.ChoiceField(
        choices=[kind.value for kind in _MANAGED],
        required=False,
        help_text="Makes it a managed order of this kind.",
    )
    group_settings = serializers.DictField(
        required=False, help_text="Settings of the managed order, by kind; see docs/orders.md."
    )
    limit_price = PlainDecimalField(required=False)
    stop_price = PlainDecimalField(required=False, help_text="Trigger, by order type.")
    trail_amount = PlainDecimalField(required=False, help_text="Quote currency; or")
    trail_ratio = PlainDecimalField(required=False, help_text="a part of the best price.")
    time_in_force = serializers.ChoiceField(choices=TIMES_IN_FORCE, default=TimeInForce.GTC.value)
    expires_at = MomentField(required=False, help_text="End of a GTD order.")
    post_only = serializers.BooleanField(default=False)
    reduce_only = serializers.BooleanField(default=False)
    maximum_slippage_bps = PlainDecimalField(
        required=False,
        help_text="Makes a market order, or the market entry of a bracket, a limit order at the "
        "worst price it allows.",
    )

    @property
    def ticket(self) -> OrderTicket:
        """The checked values as the desk asks for an order."""
        values = dict(self.validated_data)
        for name in ("account", "instrument"):
            values.pop(name)
        words = {"side": Side, "order_type": OrderType, "time_in_force": TimeInForce}
        for name, kind in {**words, "group": GroupKind}.items():
            if name in values:
                values[name] = kind(values[name])
        return OrderTicket(**values)


class EnteredOrderSerializer(serializers.Serializer[Any]):
    """What an entered order became: an order, or a managed order."""

    order = OrderDetailSerializer(allow_null=True)
    order_group = OrderGroupDetailSerializer(allow_null=True)
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="Soft limits that it exceeds."
    )


class CancelSerializer(CommandSerializer):
    """A wish to cancel."""

    reason = serializers.CharField(max_length=_REASON, default="asked for by API")


class AmendmentSerializer(CommandSerializer):
    """New terms of a working order; what is left out stays as it is."""

    quantity = PlainDecimalField(required=False, help_text="In total, what has filled included.")
    limit_price = PlainDecimalField(required=False)
    stop_price = PlainDecimalField(required=False)
    reason = serializers.CharField(max_length=_REASON, default="asked for by API")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change that changes nothing."""
        if not set(attrs) - {"reason"}:
            raise serializers.ValidationError("Give quantity, limit_price or stop_price.")
        return attrs
