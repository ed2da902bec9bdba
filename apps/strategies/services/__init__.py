"""Writes of strategy versions, deployments with every step of theirs, and signals."""

from apps.strategies.services.checks import DeploymentRefused
from apps.strategies.services.closings import (
    closing_done,
    closing_request,
    closing_waits,
)
from apps.strategies.services.deployments import deployment_create, deployment_terms
from apps.strategies.services.ensuring import deployment_ensure
from apps.strategies.services.signals import signal_record
from apps.strategies.services.steps import (
    deployment_approve,
    deployment_decline,
    deployment_fail,
    deployment_pause,
    deployment_resume,
    deployment_start,
    deployment_stop,
    deployment_submit,
)
from apps.strategies.services.versions import strategy_from_version, strategy_version_record

__all__ = [
    "DeploymentRefused",
    "closing_done",
    "closing_request",
    "closing_waits",
    "deployment_approve",
    "deployment_create",
    "deployment_decline",
    "deployment_ensure",
    "deployment_fail",
    "deployment_pause",
    "deployment_resume",
    "deployment_start",
    "deployment_stop",
    "deployment_submit",
    "deployment_terms",
    "signal_record",
    "strategy_from_version",
    "strategy_version_record",
]
