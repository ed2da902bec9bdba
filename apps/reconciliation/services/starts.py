"""Notes each start of the desk: after it, an account trades only once it is reconciled."""

from apps.reconciliation.models import DeskStart


def desk_start_record(*, build: str) -> DeskStart:
    """Record that the desk starts now.

    Args:
        build: Hash or version of the source that runs.
    """
    return DeskStart.objects.create(build=build)
