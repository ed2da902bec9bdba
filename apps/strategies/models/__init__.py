"""Which strategy code runs where: versions by hash, deployments, and the signals they gave."""

from apps.strategies.domain.deployments import DeploymentState, DeploymentStep, PositionPolicy
from apps.strategies.models.deployments import (
    DEPLOYMENT_STATES,
    POSITION_POLICIES,
    Deployment,
    DeploymentClosing,
    SizingMethod,
)
from apps.strategies.models.signals import Signal
from apps.strategies.models.versions import StrategyVersion

__all__ = [
    "DEPLOYMENT_STATES",
    "POSITION_POLICIES",
    "Deployment",
    "DeploymentClosing",
    "DeploymentState",
    "DeploymentStep",
    "PositionPolicy",
    "Signal",
    "SizingMethod",
    "StrategyVersion",
]
