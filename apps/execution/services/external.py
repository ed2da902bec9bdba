"""Takes in what webhooks bring: each genuine message once, as a signal of its deployment."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from apps.core.clock import wall_now
from apps.core.services import audit_record
from apps.execution.models import ExternalSignal, Webhook
from apps.execution.services.markets import MarketUnknown, market_for
from apps.marketdata.domain.types import Bar
from apps.risk.models import RiskDecision
from apps.strategies.domain.external_messages import ExternalMessage
from apps.strategies.domain.signals import Decision
from apps.strategies.library.external_signals import ExternalSignalsParameters
from apps.strategies.models import Deployment, DeploymentState, Signal
from apps.strategies.services import signal_record


class SignalRefused(ValueError):
    """A message that is proven genuine cannot become a signal; the sentence says why."""


def external_signal_record(
    *, webhook: Webhook, message: ExternalMessage, body_sha256: str
) -> tuple[ExternalSignal, bool]:
    """Turn a genuine message into a signal of the webhook's deployment, once for each nonce.

    Returns:
        The record, and whether it is new. The same message again gives the first one, and nothing
        is done.

    Raises:
        SignalRefused: It is too old or from the future, its nonce was used for another message,
            its deployment does not run, or its symbol is none of the deployment's; nothing is
            written.
    """
    with transaction.atomic():
        locked = Webhook.objects.select_for_update().get(pk=webhook.pk)
        nonce = message.nonce or body_sha256
        known = ExternalSignal.objects.filter(webhook=locked, nonce=nonce).first()
        if known is not None:
            _same_require(known, body_sha256)
            return known, False
        received_at = wall_now()
        _time_require(locked, message.time, received_at)
        signal = _signal(locked.deployment, message, received_at)
        external = ExternalSignal.objects.create(
            webhook=locked,
            signal=signal,
            nonce=nonce,
            body_sha256=body_sha256,
            price=message.price,
            note=message.note,
            sent_at=message.time,
            received_at=received_at,
        )
        audit_record(
            action="external_signal.received",
            subject=external,
            process=str(locked),
            details={"deployment": locked.deployment.name, "action": signal.action},
        )
    return external, True


def external_signal_done(*, external: ExternalSignal) -> None:
    """Note what the pipeline has made of a signal; it is not dealt with again."""
    decision = RiskDecision.objects.filter(signal=external.signal_id).first()
    outcome = ExternalSignal.Outcome.NOTHING
    if decision is not None:
        is_allowed = decision.outcome == RiskDecision.Outcome.ALLOWED
        outcome = ExternalSignal.Outcome.ORDERED if is_allowed else ExternalSignal.Outcome.DENIED
    ExternalSignal.objects.filter(pk=external.pk, dealt_at=None).update(
        outcome=outcome, dealt_at=wall_now()
    )


def _same_require(known: ExternalSignal, body_sha256: str) -> None:
    if known.body_sha256 != body_sha256:
        raise SignalRefused(
            f"The nonce {known.nonce} was used for another message; each takes its own."
        )


def _time_require(webhook: Webhook, sent_at: datetime, received_at: datetime) -> None:
    window = timedelta(seconds=webhook.window_seconds)
    if not -window <= received_at - sent_at <= window:
        raise SignalRefused(
            f"The message's time {sent_at.isoformat()} is more than {webhook.window_seconds} s "
            f"from the desk's {received_at.isoformat(timespec='seconds')}; set the clock, or send "
            "{{timenow}} as its time."
        )


def _signal(deployment: Deployment, message: ExternalMessage, received_at: datetime) -> Signal:
    if deployment.state != DeploymentState.RUNNING:
        raise SignalRefused(
            f"{deployment} is {deployment.get_state_display().lower()}; only a running deployment "
            "takes signals."
        )
    instrument = deployment.instruments.filter(symbol=message.symbol).first()
    if instrument is None:
        known = ", ".join(
            deployment.instruments.order_by("symbol").values_list("symbol", flat=True)
        )
        raise SignalRefused(f"{deployment} trades {known}, not {message.symbol}.")
    try:
        market = market_for(account=deployment.account, instrument=instrument)
    except MarketUnknown as unknown:
        raise SignalRefused(f"{unknown}.") from None
    price = market.reference_price
    return signal_record(
        deployment=deployment,
        instrument=instrument,
        bar=moment_bar(named=received_at, closed_at=market.as_of, price=price),
        decision=_decision(deployment, message, price),
    )


def _decision(deployment: Deployment, message: ExternalMessage, price: Decimal) -> Decision:
    settings = ExternalSignalsParameters.model_validate(deployment.parameters)
    action = message.wanted(long_only=settings.direction == "long_only")
    if action == "EXIT":
        return Decision(action=action, reference_price=price)
    return Decision(
        action=action,
        reference_price=price,
        stop_loss_ratio=_exact(settings.stop_loss_ratio),
        take_profit_ratio=_exact(settings.take_profit_ratio),
        limit_price=message.limit_price,
    )


def _exact(ratio: float | None) -> Decimal | None:
    return None if ratio is None else Decimal(repr(ratio))


def moment_bar(*, named: datetime, closed_at: datetime, price: Decimal) -> Bar:
    """Return a moment of the market as a bar without length; the pipeline goes by bars.

    Args:
        named: Tells it from others; when the signal arrived (UTC).
        closed_at: When its price was known (UTC).
    """
    return Bar(
        open_at=named,
        close_at=closed_at,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Decimal(0),
    )
