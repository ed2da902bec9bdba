"""From state to state: every step against every state, live money by two people, and the record."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import TradingMode, User
from apps.core.models import AuditEvent
from apps.strategies.domain.deployments import (
    TRANSITIONS,
    DeploymentState,
    DeploymentStep,
    step_objection,
    steps_open,
)
from apps.strategies.loading import strategy_load
from apps.strategies.models import Deployment, DeploymentClosing
from apps.strategies.selectors import closing_list_open, deployment_history
from apps.strategies.services import (
    DeploymentRefused,
    closing_done,
    closing_request,
    closing_waits,
    deployment_approve,
    deployment_decline,
    deployment_fail,
    deployment_pause,
    deployment_resume,
    deployment_start,
    deployment_stop,
    deployment_submit,
    strategy_version_record,
)
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.strategies import DeploymentFactory

pytestmark = pytest.mark.django_db
S = DeploymentState

SERVICES: dict[DeploymentStep, Callable[..., Any]] = {
    DeploymentStep.START: deployment_start,
    DeploymentStep.SUBMIT: deployment_submit,
    DeploymentStep.APPROVE: deployment_approve,
    DeploymentStep.DECLINE: deployment_decline,
    DeploymentStep.PAUSE: deployment_pause,
    DeploymentStep.RESUME: deployment_resume,
    DeploymentStep.STOP: deployment_stop,
}
LEGAL = {
    "START": {"DRAFT", "STOPPED", "FAILED"},
    "SUBMIT": {"DRAFT", "STOPPED", "FAILED"},
    "APPROVE": {"AWAITING_APPROVAL"},
    "DECLINE": {"AWAITING_APPROVAL"},
    "PAUSE": {"RUNNING"},
    "RESUME": {"PAUSED"},
    "STOP": {"RUNNING", "PAUSED", "FAILED"},
    "FAIL": {"RUNNING", "PAUSED"},
}
LIVE_ONLY, NEVER_LIVE = {"SUBMIT", "APPROVE", "DECLINE"}, {"START"}


def made(*, is_live: bool = False, state: str = "STOPPED", **fields: Any) -> Deployment:
    mode = TradingMode.LIVE if is_live else TradingMode.PAPER
    people: dict[str, Any] = {}
    if is_live and state in ("AWAITING_APPROVAL", "RUNNING", "PAUSED"):
        people["submitted_by"] = UserFactory()
    if is_live and state in ("RUNNING", "PAUSED"):
        people["approved_by"] = UserFactory()
    return DeploymentFactory(
        version=strategy_version_record(loaded=strategy_load("moving_average_cross")),
        account=TradingAccountFactory(mode=mode, broker="BYBIT" if is_live else "PAPER"),
        mode=mode,
        state=state,
        instruments=[InstrumentFactory(), InstrumentFactory()],
        **{**people, **fields},
    )


def test_the_table_is_the_one_that_people_were_told() -> None:
    assert {step.value: {s.value for s in TRANSITIONS[step].before} for step in TRANSITIONS} == {
        **LEGAL
    }
    assert set(SERVICES) == set(DeploymentStep) - {DeploymentStep.FAIL}


@pytest.mark.parametrize("is_live", [False, True])
@pytest.mark.parametrize("state", DeploymentState)
@pytest.mark.parametrize("step", SERVICES)
def test_a_step_is_taken_where_the_table_has_it_and_else_changes_nothing(
    step: DeploymentStep, state: DeploymentState, is_live: bool
) -> None:
    deployment = made(is_live=is_live, state=state.value)
    before = AuditEvent.objects.count()
    fits = step not in (NEVER_LIVE if is_live else LIVE_ONLY)
    is_legal = fits and state in LEGAL[step]
    assert (step in steps_open(state, is_live=is_live)) is is_legal
    if not is_legal:
        with pytest.raises(DeploymentRefused, match=str(deployment)):
            SERVICES[step](deployment=deployment, actor=UserFactory())
        assert Deployment.objects.get().state == state
        assert AuditEvent.objects.count() == before
        return
    SERVICES[step](deployment=deployment, actor=UserFactory(), reason="because")
    stored = Deployment.objects.get()
    assert (stored.state, stored.state_reason) == (TRANSITIONS[step].after, "because")
    event = AuditEvent.objects.latest("pk")
    assert event.action == f"deployment.{TRANSITIONS[step].action}"
    assert event.details == {"state_before": state.value, "state_after": stored.state}


@pytest.mark.parametrize("state", DeploymentState)
def test_every_refusal_says_what_to_do(state: DeploymentState) -> None:
    for step in DeploymentStep:
        for is_live in (False, True):
            said = step_objection(step, state, is_live=is_live)
            assert said is None or said.startswith(("is ", "has ", "awaits ", "trades "))


def test_live_money_runs_once_a_second_person_has_approved_it() -> None:
    deployment, trader, other = made(is_live=True), UserFactory(), UserFactory()
    deployment_submit(deployment=deployment, actor=trader, reason="tested for a month")
    with pytest.raises(DeploymentRefused, match="live money needs two people"):
        deployment_approve(deployment=deployment, actor=trader)
    deployment_approve(deployment=deployment, actor=other)
    stored = Deployment.objects.get()
    assert (stored.state, stored.state_shown) == ("RUNNING", "LIVE")
    assert (stored.submitted_by, stored.approved_by) == (trader, other)
    assert stored.approved_at is not None
    deployment_pause(deployment=deployment)
    deployment_resume(deployment=deployment)
    deployment_stop(deployment=deployment)
    with pytest.raises(DeploymentRefused, match="needs an approval by a second person"):
        deployment_start(deployment=deployment)
    history = [event.action for event in deployment_history(deployment)]
    assert history == [
        f"deployment.{action}"
        for action in ("stopped", "resumed", "paused", "approved", "submitted")
    ]


def test_a_new_submission_drops_the_old_approval() -> None:
    deployment, trader, other = made(is_live=True), UserFactory(), UserFactory()
    deployment_submit(deployment=deployment, actor=trader)
    deployment_approve(deployment=deployment, actor=other)
    deployment_stop(deployment=deployment)
    deployment_submit(deployment=deployment, actor=other)
    stored = Deployment.objects.get()
    assert (stored.submitted_by, stored.approved_by, stored.approved_at) == (other, None, None)


@pytest.mark.parametrize(
    ("people", "constraint"),
    [
        ((True, None), "deployment_live_only_with_approval"),
        ((None, True), "deployment_live_only_with_approval"),
        ((True, True), "deployment_approved_by_another_person"),
    ],
)
def test_the_database_itself_wants_two_people(
    people: tuple[bool | None, bool | None], constraint: str
) -> None:
    person: User = UserFactory()
    deployment = made(is_live=True)
    submitted_by, approved_by = (person if named else None for named in people)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Deployment.objects.filter(pk=deployment.pk).update(
            state="RUNNING", submitted_by=submitted_by, approved_by=approved_by
        )


@pytest.mark.parametrize(
    ("step", "policy"),
    [(deployment_pause, "on_pause"), (deployment_stop, "on_stop"), (deployment_fail, "on_stop")],
)
def test_a_policy_to_close_asks_for_every_instrument_once(
    step: Callable[..., Any], policy: str
) -> None:
    closes: dict[str, Any] = {policy: "CLOSE"}
    deployment = made(state="RUNNING", **closes)
    first = closing_request(
        deployment=deployment, instrument=deployment.instruments.all()[0], reason="halted"
    )
    step(deployment=deployment, reason="enough")
    assert [row.reason for row in closing_list_open(deployment=deployment)] == [
        "halted",
        f"it was {'failed' if step is deployment_fail else deployment.state.lower()}",
    ]
    closing_done(closing=first)
    closing_done(closing=first)
    assert len(closing_list_open(deployment=deployment)) == 1
    done = AuditEvent.objects.filter(action="deployment.closing_done")
    assert done.count() == 1


@pytest.mark.parametrize("step", [deployment_pause, deployment_stop, deployment_fail])
def test_a_policy_to_keep_asks_for_nothing(step: Callable[..., Any]) -> None:
    step(deployment=made(state="RUNNING"), reason="enough")
    assert not DeploymentClosing.objects.exists()


def test_what_holds_a_closing_up_is_noted_when_it_is_news() -> None:
    deployment = made()
    closing = closing_request(
        deployment=deployment, instrument=deployment.instruments.all()[0], reason="it was stopped"
    )
    noted = [closing_waits(closing=closing, check=check) for check in ("session", "session", "x")]
    assert noted == [True, False, True]
    assert DeploymentClosing.objects.get().waits_for == "x"


def test_only_one_closing_of_an_instrument_is_open() -> None:
    deployment = made()
    instrument = deployment.instruments.all()[0]
    DeploymentClosing.objects.create(deployment=deployment, instrument=instrument, reason="a")
    with pytest.raises(IntegrityError, match="one_open_closing"), transaction.atomic():
        DeploymentClosing.objects.create(deployment=deployment, instrument=instrument, reason="b")


def test_what_runs_is_shown_by_its_mode() -> None:
    assert made(state="RUNNING").state_shown == "PAPER"
    assert made(state="PAUSED").state_shown == "PAUSED"
