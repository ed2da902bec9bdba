"""Records strategy versions, and loads what was recorded."""

from django.db import transaction

from apps.accounts.models import User
from apps.core.services import audit_record
from apps.strategies.loading import LoadedStrategy, strategy_from_source
from apps.strategies.models import StrategyVersion


def strategy_version_record(
    *, loaded: LoadedStrategy, actor: User | None = None
) -> StrategyVersion:
    """Store the source of a strategy, or find it if these very bytes are stored already."""
    with transaction.atomic():
        version, is_new = StrategyVersion.objects.get_or_create(
            name=loaded.name,
            source_sha256=loaded.source_sha256,
            defaults={
                "location": loaded.location,
                "source": loaded.source,
                "parameters_schema": loaded.strategy_class.Parameters.model_json_schema(),
            },
        )
        if is_new:
            audit_record(
                action="strategy_version.recorded",
                subject=version,
                actor=actor,
                details={"location": loaded.location, "source_sha256": loaded.source_sha256},
            )
    return version


def strategy_from_version(version: StrategyVersion) -> LoadedStrategy:
    """Load a strategy from its stored source, whatever its file says by now.

    Raises:
        StrategyUnloadable: The stored source was altered, or no longer runs.
    """
    return strategy_from_source(
        source=version.source,
        source_sha256=version.source_sha256,
        location=version.location,
        name=version.name,
    )
