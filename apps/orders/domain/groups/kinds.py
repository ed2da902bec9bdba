"""The words for what the desk manages and where that stands."""

from enum import StrEnum


class GroupKind(StrEnum):
    """What the desk manages."""

    OCO = "OCO"
    BRACKET = "BRACKET"
    ICEBERG = "ICEBERG"
    TWAP = "TWAP"
    TRAILING_STOP = "TRAILING_STOP"
    HELD = "HELD"


class GroupState(StrEnum):
    """Where a managed order stands. CANCELING: its legs are being taken back."""

    ACTIVE = "ACTIVE"
    CANCELING = "CANCELING"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        """Whether nothing more is planned."""
        return self in (GroupState.COMPLETED, GroupState.CANCELED, GroupState.FAILED)
