"""Carries out commands under ``/api/v1/orders/`` and ``/api/v1/order-groups/``."""

from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_tradable
from apps.core.api.idempotency import HEADER, KEY_PARAMETER, once_per_key
from apps.core.api.permissions import GivesCommands, ReadsRows
from apps.execution.api.refusals import denied, refusals_told
from apps.execution.api.serializers import (
    AmendmentSerializer,
    CancelSerializer,
    EnteredOrderSerializer,
    OrderEntrySerializer,
)
from apps.execution.services.changes import (
    Amendment,
    group_cancel_enter,
    order_amend_enter,
    order_cancel_enter,
)
from apps.execution.services.entry import EnteredOrder, order_enter
from apps.execution.tasks import account_tick_ask
from apps.orders.api.serializers import OrderDetailSerializer, OrderGroupDetailSerializer
from apps.orders.api.views import OrderGroupViewSet, OrderViewSet
from apps.orders.domain.types import OrderOrigin

_PERMISSIONS = (IsAuthenticated, ReadsRows, GivesCommands)
_METHODS = ["get", "head", "post"]


class OrderCommandViewSet(OrderViewSet):
    """Orders from intent to the last fill, and the commands to enter, amend and cancel them."""

    permission_classes = _PERMISSIONS
    http_method_names = _METHODS
    command_permissions: ClassVar[dict[str, str]] = {
        "create": "orders.add_order",
        "amend": "orders.change_order",
        "cancel": "orders.change_order",
    }

    @extend_schema(
        request=OrderEntrySerializer,
        responses={201: EnteredOrderSerializer},
        parameters=[KEY_PARAMETER],
    )
    @once_per_key
    def create(self, request: Request) -> HttpResponse:
        """Enter an order: it is checked, passes the risk gate, and is written down to be sent."""
        asked = OrderEntrySerializer(data=request.data, context={"request": request})
        asked.is_valid(raise_exception=True)
        account = asked.validated_data["account"]
        with refusals_told():
            entered = order_enter(
                account=account,
                instrument=asked.validated_data["instrument"],
                ticket=asked.ticket,
                key=f"api:{request.user.pk}:{request.headers[HEADER]}",
                actor=_person(request),
                origin=OrderOrigin.API,
            )
        if entered.order is None and entered.group is None:
            return denied(entered.decision)
        _wake(account)
        return Response(_entered(entered), status=201)

    @extend_schema(
        request=CancelSerializer,
        responses={202: OrderDetailSerializer},
        parameters=[KEY_PARAMETER],
    )
    @action(detail=True, methods=["post"])
    @once_per_key
    def cancel(self, request: Request, pk: int) -> HttpResponse:
        """Ask for the end of an order; it is CANCELED once the venue has confirmed."""
        asked = CancelSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        order = self.get_object()
        _member_require(request, order.account)
        with refusals_told():
            order = order_cancel_enter(
                order=order, reason=asked.validated_data["reason"], actor=_person(request)
            )
        _wake(order.account)
        return Response(OrderDetailSerializer(order).data, status=202)

    @extend_schema(
        request=AmendmentSerializer,
        responses={202: OrderDetailSerializer},
        parameters=[KEY_PARAMETER],
    )
    @action(detail=True, methods=["post"])
    @once_per_key
    def amend(self, request: Request, pk: int) -> HttpResponse:
        """Ask for new terms of a working order; what makes it larger or worse passes the gate."""
        asked = AmendmentSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        terms = dict(asked.validated_data)
        order = self.get_object()
        _member_require(request, order.account)
        with refusals_told():
            amended = order_amend_enter(
                order=order,
                reason=terms.pop("reason"),
                amendment=Amendment(**terms),
                actor=_person(request),
                origin=OrderOrigin.API,
            )
        if amended.decision is not None and amended.is_denied:
            return denied(amended.decision)
        _wake(order.account)
        return Response(OrderDetailSerializer(amended.order).data, status=202)


class OrderGroupCommandViewSet(OrderGroupViewSet):
    """Orders that the desk manages itself, and the command to cancel them."""

    permission_classes = _PERMISSIONS
    http_method_names = _METHODS
    command_permissions: ClassVar[dict[str, str]] = {"cancel": "orders.change_order"}

    @extend_schema(
        request=CancelSerializer,
        responses={202: OrderGroupDetailSerializer},
        parameters=[KEY_PARAMETER],
    )
    @action(detail=True, methods=["post"])
    @once_per_key
    def cancel(self, request: Request, pk: int) -> HttpResponse:
        """Ask for the end of a managed order; its legs are taken back first."""
        asked = CancelSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        group = self.get_object()
        _member_require(request, group.account)
        with refusals_told():
            group = group_cancel_enter(
                group=group, reason=asked.validated_data["reason"], actor=_person(request)
            )
        _wake(group.account)
        return Response(OrderGroupDetailSerializer(group).data, status=202)


def _person(request: Request) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _member_require(request: Request, account: TradingAccount) -> None:
    if not account_list_tradable(request.user).filter(pk=account.pk).exists():
        raise PermissionDenied(f"Only members of the active account {account} trade on it.")


def _wake(account: TradingAccount) -> None:
    transaction.on_commit(partial(account_tick_ask, account_id=account.pk))


def _entered(entered: EnteredOrder) -> dict[str, Any]:
    warnings = [str(warned["reason"]) for warned in entered.decision.warnings]
    parts = {"order": entered.order, "order_group": entered.group, "warnings": warnings}
    document: dict[str, Any] = EnteredOrderSerializer(parts).data
    return document
