"""The strategies that a page offers: those of the library, and every version once recorded."""

from apps.strategies.library import LIBRARY
from apps.strategies.loading import LoadedStrategy, StrategyUnloadable, strategy_load
from apps.strategies.models import StrategyVersion
from apps.strategies.services import strategy_from_version

_RECORDED = "recorded:"


def strategy_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return keys and labels in groups: the library first, then what else was recorded.

    A file of a trader's own is recorded by ``manage.py deploy``: a page runs no file.
    """
    current = {name: strategy_load(name).source_sha256 for name in sorted(LIBRARY)}
    library = [(name, f"{name}: {LIBRARY[name].title}") for name in current]
    recorded = StrategyVersion.objects.values_list("pk", "name", "source_sha256", "recorded_at")
    older = [
        (f"{_RECORDED}{pk}", f"{name}@{sha256[:8]}, recorded {recorded_at:%Y-%m-%d}")
        for pk, name, sha256, recorded_at in recorded
        if current.get(name) != sha256
    ]
    groups = [("Library, as it is now", library), ("Recorded versions", older)]
    return [(label, choices) for label, choices in groups if choices]


def strategy_of(key: str) -> LoadedStrategy:
    """Load what a key of ``strategy_choices`` stands for.

    Raises:
        StrategyUnloadable: The key stands for nothing, or its source does not run any more.
    """
    if key in LIBRARY:
        return strategy_load(key)
    number = key.removeprefix(_RECORDED)
    version = StrategyVersion.objects.filter(pk=int(number)).first() if number.isdecimal() else None
    if version is None or number == key:
        raise StrategyUnloadable("there is no such strategy; choose one of the list")
    return strategy_from_version(version)
