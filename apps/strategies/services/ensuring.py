"""Creates a deployment once, however often it is asked for in the same words."""

from collections.abc import Sequence
from typing import Any

from apps.accounts.models import User
from apps.marketdata.models import Instrument
from apps.strategies.loading import strategy_build
from apps.strategies.models import Deployment, StrategyVersion
from apps.strategies.services.checks import DeploymentRefused
from apps.strategies.services.deployments import deployment_create, deployment_terms
from apps.strategies.services.versions import strategy_from_version


def deployment_ensure(
    *,
    name: str,
    version: StrategyVersion,
    instruments: Sequence[Instrument],
    parameters: dict[str, Any],
    actor: User | None = None,
    **terms: Any,
) -> tuple[Deployment, bool]:
    """Create a deployment, or find the one of this name that was created in the same terms.

    Args:
        name: As for ``deployment_create``, like everything else.

    Returns:
        The deployment, and whether it is new.

    Raises:
        DeploymentRefused: One of this name exists with other terms, or it cannot be made so.
        ParametersRefused, StrategyUnloadable: As for ``deployment_create``.
    """
    known = Deployment.objects.select_related("version", "account").filter(name=name).first()
    if known is None:
        created = deployment_create(
            name=name,
            version=version,
            instruments=instruments,
            parameters=parameters,
            actor=actor,
            **terms,
        )
        return created, True
    checked = strategy_build(strategy_from_version(version), parameters).parameters
    wanted = Deployment(
        name=name, version=version, parameters=checked.model_dump(mode="json"), **terms
    )
    before = deployment_terms(known, list(known.instruments.all()))
    _sameness_require(name, before, deployment_terms(wanted, instruments))
    return known, False


def _sameness_require(name: str, before: dict[str, Any], wanted: dict[str, Any]) -> None:
    differing = [
        f"{term} is {_shown(before[term])}, asked for was {_shown(wanted[term])}"
        for term in before
        if before[term] != wanted[term]
    ]
    if differing:
        raise DeploymentRefused(
            f"there is a deployment {name!r} already, and it differs: {'; '.join(differing)}. "
            "A deployment keeps its terms: choose another name, and stop the one that it replaces"
        )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "not set" if value is None else str(value)
