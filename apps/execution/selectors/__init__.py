"""Reads where a deployment stands, and the snapshot that a decision is taken on."""

from apps.execution.selectors.deployments import (
    DeploymentStanding,
    deployment_page_list,
    deployment_standing,
    webhook_of,
)
from apps.execution.selectors.external import decision_of, external_signal_list_waiting
from apps.execution.selectors.kill_switch import (
    holds_all_of_account,
    order_list_closing,
    switch_account_list,
    switch_group_list_open,
    switch_order_list,
    switch_position_list,
    switch_report_list,
)
from apps.execution.selectors.outcomes import OutcomeSearch, outcome_search
from apps.execution.selectors.risk import MarketNow, prices_of, risk_context
from apps.execution.selectors.sending import (
    amending_forbidden,
    sending_forbidden,
    sending_waits,
)
from apps.execution.selectors.stakes import instrument_list_at_stake
from apps.execution.selectors.standing import (
    Standing,
    bars_wait,
    cursors_of,
    desk_start_latest,
    signal_is_ordered,
    standing_of,
)

__all__ = [
    "DeploymentStanding",
    "MarketNow",
    "OutcomeSearch",
    "Standing",
    "amending_forbidden",
    "bars_wait",
    "cursors_of",
    "decision_of",
    "deployment_page_list",
    "deployment_standing",
    "desk_start_latest",
    "external_signal_list_waiting",
    "holds_all_of_account",
    "instrument_list_at_stake",
    "order_list_closing",
    "outcome_search",
    "prices_of",
    "risk_context",
    "sending_forbidden",
    "sending_waits",
    "signal_is_ordered",
    "standing_of",
    "switch_account_list",
    "switch_group_list_open",
    "switch_order_list",
    "switch_position_list",
    "switch_report_list",
    "webhook_of",
]
