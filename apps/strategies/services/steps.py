"""Takes deployments from state to state, by the one table of what may follow what."""

from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.core.clock import now
from apps.core.services import audit_record
from apps.strategies.domain.deployments import TRANSITIONS, step_objection
from apps.strategies.loading import strategy_build
from apps.strategies.models import Deployment, DeploymentState, DeploymentStep, PositionPolicy
from apps.strategies.services.checks import (
    DeploymentRefused,
    account_check,
    instruments_check,
    timeframe_check,
)
from apps.strategies.services.closings import closing_request
from apps.strategies.services.versions import strategy_from_version

REASON_LENGTH = 400
"""What a deployment shows of a reason; the audit trail keeps all of it."""


def deployment_start(
    *, deployment: Deployment, actor: User | None = None, reason: str = ""
) -> None:
    """Let a deployment trade paper or test money. What it holds already it goes on with.

    Raises:
        DeploymentRefused: It runs already, may not run, or trades live money.
        ParametersRefused, StrategyUnloadable: What is stored does not run any more.
    """
    _fitness_check(deployment, DeploymentStep.START)
    with transaction.atomic():
        _step_require(deployment, DeploymentStep.START, reason=reason, actor=actor)


def deployment_submit(*, deployment: Deployment, actor: User, reason: str = "") -> None:
    """Ask that a deployment may trade live money; somebody else must approve it.

    Raises:
        DeploymentRefused: It trades no live money, runs already, or may not run.
        ParametersRefused, StrategyUnloadable: What is stored does not run any more.
    """
    _fitness_check(deployment, DeploymentStep.SUBMIT)
    with transaction.atomic():
        _step_require(
            deployment,
            DeploymentStep.SUBMIT,
            reason=reason,
            actor=actor,
            submitted_by=actor,
            approved_by=None,
            approved_at=None,
        )


def deployment_approve(*, deployment: Deployment, actor: User, reason: str = "") -> None:
    """Let a submitted deployment trade live money from now on.

    Raises:
        DeploymentRefused: It awaits no approval, may not run, or ``actor`` submitted it.
        ParametersRefused, StrategyUnloadable: What is stored does not run any more.
    """
    _fitness_check(deployment, DeploymentStep.APPROVE)
    with transaction.atomic():
        locked = Deployment.objects.select_for_update().get(pk=deployment.pk)
        if locked.submitted_by_id == actor.pk:
            raise DeploymentRefused(
                f"{deployment} was submitted by {actor}; live money needs two people, so "
                "somebody else must approve it"
            )
        _step_require(
            deployment,
            DeploymentStep.APPROVE,
            reason=reason,
            actor=actor,
            approved_by=actor,
            approved_at=now(),
        )


def deployment_decline(*, deployment: Deployment, actor: User, reason: str = "") -> None:
    """Turn a submitted deployment down; whoever submitted it may take it back so too.

    Raises:
        DeploymentRefused: It awaits no approval.
    """
    with transaction.atomic():
        _step_require(
            deployment, DeploymentStep.DECLINE, reason=reason, actor=actor, submitted_by=None
        )


def deployment_pause(
    *, deployment: Deployment, actor: User | None = None, reason: str = ""
) -> None:
    """Let a running deployment open nothing for a while; ``on_pause`` says what it holds on to.

    Raises:
        DeploymentRefused: It does not run.
    """
    with transaction.atomic():
        _step_require(deployment, DeploymentStep.PAUSE, reason=reason, actor=actor)
        _position_dispose(deployment, deployment.on_pause, "paused", actor)


def deployment_resume(
    *, deployment: Deployment, actor: User | None = None, reason: str = ""
) -> None:
    """Let a paused deployment go on, with what it holds and with the bars from now on.

    Raises:
        DeploymentRefused: It is not paused.
    """
    with transaction.atomic():
        _step_require(deployment, DeploymentStep.RESUME, reason=reason, actor=actor)


def deployment_stop(*, deployment: Deployment, actor: User | None = None, reason: str = "") -> None:
    """Let a deployment trade no more; ``on_stop`` says what becomes of what it holds.

    Raises:
        DeploymentRefused: It is stopped already, or never ran.
    """
    with transaction.atomic():
        _step_require(deployment, DeploymentStep.STOP, reason=reason, actor=actor)
        _position_dispose(deployment, deployment.on_stop, "stopped", actor)


def deployment_fail(*, deployment: Deployment, reason: str) -> bool:
    """Take a running deployment out of trade because it cannot go on.

    Returns:
        False, with nothing written, when it was not running any more.
    """
    with transaction.atomic():
        if not _step_take(deployment, DeploymentStep.FAIL, reason=reason):
            return False
        _position_dispose(deployment, deployment.on_stop, "failed", None)
    return True


def _fitness_check(deployment: Deployment, step: DeploymentStep) -> None:
    """Refuse a step that is not open, or to run what does not fit together any more."""
    _objection_raise(deployment, step)
    strategy = strategy_build(strategy_from_version(deployment.version), deployment.parameters)
    timeframe_check(deployment.timeframe, strategy)
    account_check(deployment.account, deployment.mode)
    instruments_check(list(deployment.instruments.all()), deployment.account)


def _position_dispose(deployment: Deployment, policy: str, what: str, actor: User | None) -> None:
    if policy != PositionPolicy.CLOSE:
        return
    for instrument in deployment.instruments.order_by("symbol"):
        closing_request(
            deployment=deployment, instrument=instrument, reason=f"it was {what}", actor=actor
        )


def _step_require(
    deployment: Deployment,
    step: DeploymentStep,
    *,
    reason: str,
    actor: User | None,
    **columns: Any,
) -> None:
    if not _step_take(deployment, step, reason=reason, actor=actor, **columns):
        _objection_raise(deployment, step)


def _objection_raise(deployment: Deployment, step: DeploymentStep) -> None:
    deployment.refresh_from_db(fields=["state"])
    state = DeploymentState(deployment.state)
    if objection := step_objection(step, state, is_live=deployment.is_live):
        raise DeploymentRefused(f"{deployment} {objection}")


def _step_take(
    deployment: Deployment,
    step: DeploymentStep,
    *,
    reason: str,
    actor: User | None = None,
    **columns: Any,
) -> bool:
    """Take the step if its table allows it from the stored state: two callers cannot both win."""
    transition = TRANSITIONS[step]
    locked = Deployment.objects.select_for_update().get(pk=deployment.pk)
    before = DeploymentState(locked.state)
    if step_objection(step, before, is_live=locked.is_live) is not None:
        return False
    values = {"state": transition.after.value, "state_reason": reason[:REASON_LENGTH], **columns}
    for name, value in values.items():
        setattr(deployment, name, value)
    deployment.save(update_fields=list(values))
    audit_record(
        action=f"deployment.{transition.action}",
        subject=deployment,
        actor=actor,
        reason=reason,
        details={"state_before": before.value, "state_after": transition.after.value},
    )
    return True
