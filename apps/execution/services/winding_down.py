"""Looks after a deployment that does not trade: it opens nothing, positions go by the policy."""

from apps.core.clock import standing_at, wall_now
from apps.execution.services.clearing import entries_take_back
from apps.execution.services.closing import closings_carry_out
from apps.execution.services.markets import MarketUnknown, market_for
from apps.execution.services.recovery import leftovers_settle
from apps.execution.services.runs import DeploymentHold
from apps.marketdata.models import Instrument
from apps.reconciliation.services import reports_intake


def wind_down(*, run: DeploymentHold) -> bool:
    """Find out what became of orders, take entries back, and close what is to be closed.

    Returns:
        Whether all of it is done. False: go on later.

    Raises:
        LeaseLost: Another worker looks after the deployment.
        BrokerError: The broker could not be read or reached.
    """
    reports_intake(account=run.account, gateway=run.gateway)
    is_settled = leftovers_settle(run=run)
    are_back = [_entries_take_back(run, instrument) for instrument in run.instruments]
    return closings_carry_out(run=run) and is_settled and all(are_back)


def _entries_take_back(run: DeploymentHold, instrument: Instrument) -> bool:
    reason = f"{run.deployment} is {run.deployment.get_state_display().lower()}"
    try:
        market = market_for(account=run.account, instrument=instrument)
    except MarketUnknown:
        moment = wall_now()  # without a price nothing was ever ordered
    else:
        moment = market.as_of if run.is_simulated else wall_now()
    with standing_at(moment):
        return entries_take_back(run=run, instrument=instrument, reason=reason)
