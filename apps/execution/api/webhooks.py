"""Takes signals from outside, which prove themselves by a signature or a passphrase.

There is no session here and nothing to log in to: every refusal is logged, without the body.
"""

import logging
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Any, NoReturn

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from apps.core.api.problems import Problem
from apps.core.api.throttles import WebhookThrottle
from apps.execution.models import ExternalSignal, Webhook
from apps.execution.services.external import SignalRefused, external_signal_record
from apps.execution.services.webhooks import passphrase_is_genuine, signature_is_genuine
from apps.execution.tasks import deployment_tick_ask
from apps.strategies.api.views import SignalViewSet
from apps.strategies.domain.external_messages import (
    ExternalMessage,
    MessageRefused,
    message_read,
)

log = logging.getLogger(__name__)

WEBHOOK_HEADER = "X-Webhook-Id"
SIGNATURE_HEADER = "X-Signature"
LARGEST_BODY = 8 * 1024
"""Bytes; an alert needs a few hundred."""

_SIGNATURE = OpenApiParameter(
    SIGNATURE_HEADER,
    str,
    OpenApiParameter.HEADER,
    description="`sha256=` and the HMAC-SHA256 of the body under the webhook's secret, "
    "hexadecimal. Without it, the body must carry the webhook's passphrase.",
)
_WEBHOOK = OpenApiParameter(
    WEBHOOK_HEADER, str, OpenApiParameter.HEADER, required=True, description="The webhook's id."
)


class ExternalMessageSerializer(serializers.Serializer[Any]):
    """A message from outside, as OpenAPI describes it; the domain reads it."""

    action = serializers.CharField(help_text="buy, sell, long, short, exit, close or flat")
    position = serializers.CharField(
        required=False, help_text="long, short or flat: what to be afterwards; outweighs `action`"
    )
    symbol = serializers.CharField(help_text="Such as `BYBIT:BTCUSDT.P`")
    time = serializers.DateTimeField(help_text="When it was sent, with its time zone")
    nonce = serializers.CharField(required=False, help_text="Unique in its webhook")
    price = serializers.CharField(required=False, help_text="What the sender saw")
    limit_price = serializers.CharField(required=False, help_text="Enter at this or better")
    note = serializers.CharField(required=False)
    passphrase = serializers.CharField(required=False, help_text="Instead of a signature")


class TakenSignalSerializer(serializers.Serializer[Any]):
    """What became of a message."""

    signal = serializers.IntegerField(help_text="Id of the signal")
    is_new = serializers.BooleanField(help_text="False: it was taken before, and nothing is done")


class WebhookView(APIView):
    """Signals at the webhook's own address, for senders that set no headers."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (WebhookThrottle,)
    parser_classes = (JSONParser,)

    @extend_schema(
        operation_id="webhooks_create",
        auth=[],
        request=ExternalMessageSerializer,
        responses={200: TakenSignalSerializer, 202: TakenSignalSerializer},
        parameters=[_SIGNATURE],
    )
    def post(self, request: Request, public_id: str) -> HttpResponse:
        """Take a signal: 202 where it is new, 200 where it was taken before."""
        return signal_take(request, public_id)


class SignalCommandViewSet(SignalViewSet):
    """What strategies wanted, and the address to which external ones send it."""

    http_method_names = ["get", "head", "post"]

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Ask a sender for no session."""
        return [] if self._is_taking() else super().get_authenticators()

    def get_permissions(self) -> Sequence[Any]:
        """Leave the proof to the signature."""
        return [AllowAny()] if self._is_taking() else super().get_permissions()

    def get_throttles(self) -> list[BaseThrottle]:
        """Count senders apart from readers."""
        return [WebhookThrottle()] if self._is_taking() else super().get_throttles()

    @extend_schema(
        auth=[],
        request=ExternalMessageSerializer,
        responses={200: TakenSignalSerializer, 202: TakenSignalSerializer},
        parameters=[_WEBHOOK, _SIGNATURE],
    )
    def create(self, request: Request) -> HttpResponse:
        """Take a signal: 202 where it is new, 200 where it was taken before."""
        return signal_take(request, request.headers.get(WEBHOOK_HEADER, ""))

    def _is_taking(self) -> bool:
        return getattr(self.request, "method", None) == "POST"


def signal_take(request: Request, public_id: str) -> HttpResponse:
    """Prove the sender, read the message and hand it to the pipeline."""
    body = _body_of(request, public_id)
    webhook = _webhook(public_id)
    message = _genuine(request, webhook, body)
    try:
        external, is_new = external_signal_record(
            webhook=webhook, message=message, body_sha256=sha256(body).hexdigest()
        )
    except SignalRefused as refused:
        _refuse(public_id, status=409, detail=str(refused))
    if not is_new:
        log.warning("webhook %s: signal %s arrived again", public_id, external.signal_id)
    else:
        _wake(external)
    taken = {"signal": external.signal_id, "is_new": is_new}
    return Response(taken, status=202 if is_new else 200)


def _wake(external: ExternalSignal) -> None:
    deployment_id = external.webhook.deployment_id
    transaction.on_commit(partial(deployment_tick_ask, deployment_id=deployment_id))


def _body_of(request: Request, public_id: str) -> bytes:
    """Return the body, which is not read before its length and kind are known to be right."""
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        _refuse(public_id, status=415, detail="Send the message as application/json.")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > LARGEST_BODY:
        _refuse(public_id, status=413, detail=f"A message has at most {LARGEST_BODY} bytes.")
    return request.body


def _webhook(public_id: str) -> Webhook:
    found = (
        Webhook.objects.select_related("deployment__account", "deployment__version")
        .filter(public_id=public_id, is_active=True)
        .first()
        if public_id.isascii() and public_id.isprintable()
        else None
    )
    if found is None:
        _refuse(public_id, status=404, detail="There is no such webhook.")
    return found


def _genuine(request: Request, webhook: Webhook, body: bytes) -> ExternalMessage:
    """Return the message once its sender is proven; what is not genuine is not even judged."""
    signature = request.headers.get(SIGNATURE_HEADER)
    if signature is not None and not signature_is_genuine(webhook, body=body, signature=signature):
        _refuse(webhook.public_id, status=403, detail="The signature is not that of the body.")
    try:
        message = message_read(body)
    except MessageRefused as refused:
        is_proven = signature is not None
        said = str(refused) if is_proven else "The message cannot be read, or proves no sender."
        _refuse(webhook.public_id, status=400, detail=said, logged=str(refused))
    if signature is None and not passphrase_is_genuine(webhook, message.passphrase):
        said = "The message has neither a signature nor the right passphrase."
        _refuse(webhook.public_id, status=403, detail=said)
    return message


def _refuse(public_id: str, *, status: int, detail: str, logged: str = "") -> NoReturn:
    log.warning("webhook %.40r refused a message (%s): %s", public_id, status, logged or detail)
    raise Problem(status=status, detail=detail)
