"""What a deployment may become, and what it does with an open position when it may not trade."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class DeploymentState(StrEnum):
    """Where a deployment stands. RUNNING is called paper, test or live by its mode."""

    DRAFT = "DRAFT"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"


class DeploymentStep(StrEnum):
    """What somebody, or the desk, may do to a deployment."""

    START = "START"
    SUBMIT = "SUBMIT"
    APPROVE = "APPROVE"
    DECLINE = "DECLINE"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    STOP = "STOP"
    FAIL = "FAIL"


class PositionPolicy(StrEnum):
    """What becomes of an open position when a deployment may not trade as before.

    KEEP leaves it to its protective exits, which go on working. CLOSE takes everything back and
    closes it as soon as an order may be sent. Either way what would open something is taken back.
    """

    KEEP = "KEEP"
    CLOSE = "CLOSE"


@dataclass(frozen=True, slots=True)
class Transition:
    """A step: from which states, to which, and how the audit trail calls it.

    Attributes:
        is_live: Only for live money (True), only for other money (False), for any (None).
    """

    before: frozenset[DeploymentState]
    after: DeploymentState
    action: str
    is_live: bool | None = None


S = DeploymentState
_AT_REST = frozenset({S.DRAFT, S.STOPPED, S.FAILED})

TRANSITIONS: Mapping[DeploymentStep, Transition] = {
    DeploymentStep.START: Transition(_AT_REST, S.RUNNING, "started", is_live=False),
    DeploymentStep.SUBMIT: Transition(_AT_REST, S.AWAITING_APPROVAL, "submitted", is_live=True),
    DeploymentStep.APPROVE: Transition(
        frozenset({S.AWAITING_APPROVAL}), S.RUNNING, "approved", is_live=True
    ),
    DeploymentStep.DECLINE: Transition(
        frozenset({S.AWAITING_APPROVAL}), S.DRAFT, "declined", is_live=True
    ),
    DeploymentStep.PAUSE: Transition(frozenset({S.RUNNING}), S.PAUSED, "paused"),
    DeploymentStep.RESUME: Transition(frozenset({S.PAUSED}), S.RUNNING, "resumed"),
    DeploymentStep.STOP: Transition(
        frozenset({S.RUNNING, S.PAUSED, S.FAILED}), S.STOPPED, "stopped"
    ),
    DeploymentStep.FAIL: Transition(frozenset({S.RUNNING, S.PAUSED}), S.FAILED, "failed"),
}
"""Every step there is. An approval ends with the running that it was given for."""

_ALREADY = {
    S.DRAFT: "is a draft; start it, or submit it for approval if it trades live money",
    S.AWAITING_APPROVAL: "awaits its approval; approve or decline it",
    S.RUNNING: "is running already",
    S.PAUSED: "is paused; resume or stop it",
    S.STOPPED: "is stopped already",
    S.FAILED: "has failed; start it again, or stop it",
}


def step_objection(step: DeploymentStep, state: DeploymentState, *, is_live: bool) -> str | None:
    """Say in half a sentence why a step cannot be taken now, or None: it can.

    Args:
        is_live: Whether the deployment trades live money.
    """
    transition = TRANSITIONS[step]
    if transition.is_live is False and is_live:
        return (
            "is set to trade live money, which needs an approval by a second person; "
            "submit it and let somebody else approve it"
        )
    if transition.is_live and not is_live:
        return "trades no live money and needs no approval; start it"
    return None if state in transition.before else _ALREADY[state]


def steps_open(state: DeploymentState, *, is_live: bool) -> tuple[DeploymentStep, ...]:
    """Return what a person may do to a deployment in this state."""
    return tuple(
        step
        for step in DeploymentStep
        if step is not DeploymentStep.FAIL and step_objection(step, state, is_live=is_live) is None
    )
