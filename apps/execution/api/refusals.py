"""Tells a client in a problem document why the chain took no order."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpResponse

from apps.brokers.registry import BrokerNotAvailable
from apps.core.api.problems import Problem, problem_json
from apps.execution.services.changes import ChangeRefused
from apps.execution.services.entry import TicketRefused
from apps.execution.services.markets import MarketUnknown
from apps.risk.models import RiskDecision


@contextmanager
def refusals_told() -> Iterator[None]:
    """Turn what the services refuse into problems with the fields that they are about.

    Raises:
        Problem: 422 where the order cannot be asked so, 409 where its state is against it.
    """
    try:
        yield
    except TicketRefused as refused:
        raise _rule([(each.field, each.sentence) for each in refused.objections]) from None
    except MarketUnknown as unknown:
        raise _rule([("instrument", str(unknown))]) from None
    except BrokerNotAvailable as missing:
        raise _rule([("account", str(missing))]) from None
    except ChangeRefused as refused:
        raise Problem(status=409, detail=str(refused)) from None


def _rule(errors: list[tuple[str, str]]) -> Problem:
    return Problem(status=422, slug="order-refused", title="The order breaks a rule", errors=errors)


def denied(decision: RiskDecision) -> HttpResponse:
    """Answer with the gate's denial. It is returned, not raised: the decision stays on record."""
    return problem_json(
        Problem(
            status=422,
            slug="denied-by-risk",
            title="The risk gate denied the order",
            detail=decision.reason,
            members={
                "check": decision.check_name,
                "reason": decision.reason,
                "risk_decision": decision.pk,
            },
        )
    )
