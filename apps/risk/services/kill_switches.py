"""Engages the kill switch with one write, and releases it when two people have said so."""

from django.db import transaction

from apps.accounts.models import TradingAccount, User
from apps.core.clock import wall_now
from apps.core.services import audit_record
from apps.marketdata.models import Instrument
from apps.risk.models import KillSwitch
from apps.risk.services.controls import RiskChangeRefused
from apps.strategies.models import Deployment, StrategyVersion

_REASON_LENGTH = 400


@transaction.atomic
def kill_switch_engage(
    *,
    account: TradingAccount | None = None,
    deployment: Deployment | None = None,
    instrument: Instrument | None = None,
    strategy_name: str = "",
    flattens: bool = False,
    is_drill: bool = False,
    actor: User | None,
    reason: str,
) -> KillSwitch:
    """Block every new order in the scope. The commit of this transaction is the block.

    Scopes given together narrow each other; none at all is the whole desk. Canceling what works
    at the brokers comes after it, and outside any transaction: ``execution`` does that.

    Raises:
        RiskChangeRefused: No reason, or one that is too long; or the scopes fit nothing, so that
            it would hold nothing.
    """
    _scope_require(account, deployment, strategy_name)
    switch = KillSwitch.objects.create(
        account=account,
        deployment=deployment,
        instrument=instrument,
        strategy_name=strategy_name,
        flattens=flattens,
        is_drill=is_drill,
        engaged_by=actor,
        reason=_reason(reason, "an engagement of the kill switch"),
    )
    audit_record(
        action="kill_switch.engaged",
        subject=switch,
        actor=actor,
        reason=reason,
        details={"scope": switch.scope, "flattens": flattens, "is_drill": is_drill},
    )
    return switch


@transaction.atomic
def kill_switch_release_request(*, switch: KillSwitch, actor: User, reason: str) -> KillSwitch:
    """Ask for the release; a second person has to approve it.

    Raises:
        RiskChangeRefused: It is released, or its release has been asked for.
    """
    locked = _locked(switch)
    if locked.state != KillSwitch.State.ENGAGED:
        raise RiskChangeRefused(f"{locked} is {locked.get_state_display().lower()} already")
    locked.state = KillSwitch.State.RELEASE_REQUESTED
    locked.release_requested_by = actor
    locked.release_reason = _reason(reason, "a release of the kill switch")
    locked.release_requested_at = wall_now()
    locked.save()
    audit_record(action="kill_switch.release_requested", subject=locked, actor=actor, reason=reason)
    return locked


@transaction.atomic
def kill_switch_release_approve(*, switch: KillSwitch, actor: User) -> KillSwitch:
    """Release it. Whoever asked for the release cannot be the one who approves it.

    Raises:
        RiskChangeRefused: Nobody has asked, or the same person did.
    """
    locked = _locked(switch)
    if locked.state != KillSwitch.State.RELEASE_REQUESTED:
        raise RiskChangeRefused(f"nobody has asked for the release of {locked}")
    if locked.release_requested_by_id == actor.pk:
        raise RiskChangeRefused("another person than the one who asked has to approve the release")
    locked.state = KillSwitch.State.RELEASED
    locked.released_by = actor
    locked.released_at = wall_now()
    locked.save()
    audit_record(action="kill_switch.released", subject=locked, actor=actor)
    return locked


@transaction.atomic
def kill_switch_release_decline(*, switch: KillSwitch, actor: User, reason: str) -> KillSwitch:
    """Leave it engaged although its release was asked for.

    Raises:
        RiskChangeRefused: Nobody has asked.
    """
    locked = _locked(switch)
    if locked.state != KillSwitch.State.RELEASE_REQUESTED:
        raise RiskChangeRefused(f"nobody has asked for the release of {locked}")
    locked.state = KillSwitch.State.ENGAGED
    locked.release_requested_by = None
    locked.release_requested_at = None
    locked.release_reason = ""
    locked.save()
    audit_record(action="kill_switch.release_declined", subject=locked, actor=actor, reason=reason)
    return locked


def _scope_require(
    account: TradingAccount | None, deployment: Deployment | None, strategy_name: str
) -> None:
    """Refuse a scope that no order can fall into: someone would believe that trading has stopped.

    Raises:
        RiskChangeRefused: The scopes exclude each other, or the strategy is not known.
    """
    if deployment is not None and account is not None and deployment.account_id != account.pk:
        raise RiskChangeRefused(
            f"{deployment} trades on {deployment.account}, not on {account}; name one of them"
        )
    if not strategy_name:
        return
    if deployment is not None and deployment.version.name != strategy_name:
        raise RiskChangeRefused(
            f"{deployment} runs {deployment.version.name}, not {strategy_name}; name one of them"
        )
    if not StrategyVersion.objects.filter(name=strategy_name).exists():
        known = sorted(set(StrategyVersion.objects.values_list("name", flat=True)))
        raise RiskChangeRefused(
            f"there is no strategy {strategy_name!r}; known are {', '.join(known) or 'none'}"
        )


def _locked(switch: KillSwitch) -> KillSwitch:
    return KillSwitch.objects.select_for_update(of=("self",)).get(pk=switch.pk)


def _reason(reason: str, what: str) -> str:
    text = reason.strip()
    if not text:
        raise RiskChangeRefused(f"{what} needs a reason")
    if len(text) > _REASON_LENGTH:
        raise RiskChangeRefused(f"a reason has at most {_REASON_LENGTH} characters")
    return text
