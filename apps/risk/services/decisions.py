"""Passes an intent through the gate and keeps the decision with all that it was taken on."""

from django.db import connection
from django.db.transaction import TransactionManagementError

from apps.accounts.models import TradingAccount
from apps.core.rows import row_of, row_stored_once
from apps.marketdata.models import Instrument
from apps.risk.domain.checks import gate_ask
from apps.risk.domain.types import Denial, GateAnswer, OrderIntent, RiskContext, Warned, record_of
from apps.risk.models import RiskDecision
from apps.strategies.models import Deployment, Signal

_REASON_LENGTH = 400
_ENTER = "SELECT id FROM accounts_tradingaccount WHERE id = %(account)s FOR NO KEY UPDATE"


def gate_enter(*, account: TradingAccount) -> None:
    """Let one decision of the account go at a time, until the caller's transaction ends.

    Two workers that read the same snapshot would each find room for an order where there is room
    for one. The snapshot is read after this, the order written before the commit.

    Raises:
        TransactionManagementError: No transaction is open.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("the gate is entered in the transaction of the decision")
    row_of(_ENTER, {"account": account.pk})


def risk_decide(
    *,
    account: TradingAccount,
    deployment: Deployment | None,
    signal: Signal | None,
    instrument: Instrument,
    intent: OrderIntent,
    context: RiskContext,
    refusal: Denial | None = None,
    warned: tuple[Warned, ...] = (),
) -> RiskDecision:
    """Decide on an intent and store the decision.

    Args:
        signal: What asked for the order; None for an order by hand.
        refusal: Why it cannot even be asked, such as a size below one lot; the gate is passed over.
        warned: What the decision has to say beside the gate's own warnings.

    Returns:
        The stored decision. A signal is decided once: asked again, on whatever snapshot, the
        first decision comes back unchanged.
    """
    answer = GateAnswer(denial=refusal) if refusal else gate_ask(intent, context)
    denial = answer.denial
    outcome = RiskDecision.Outcome.ALLOWED if denial is None else RiskDecision.Outcome.DENIED
    values = {
        "account": account,
        "deployment": deployment,
        "instrument": instrument,
        "outcome": outcome,
        "check_name": denial.check if denial else "",
        "reason": denial.reason[:_REASON_LENGTH] if denial else "",
        "intent": record_of(intent),
        "context": record_of(context),
        "warnings": [record_of(each) for each in (*warned, *answer.warnings)],
        "decided_at": context.as_of,
    }
    if signal is None:
        return RiskDecision.objects.create(signal=None, **values)
    return row_stored_once(RiskDecision.objects, unique={"signal": signal}, values=values)
