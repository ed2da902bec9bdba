"""Tables of the broker adapters. A venue's are private to it: read the broker port."""

from apps.brokers.models.angelone import (
    AngelOneBook,
    AngelOneListing,
    AngelOneReport,
    AngelOneSentOrder,
    AngelOneSession,
)
from apps.brokers.models.paper import (
    PaperBook,
    PaperOrder,
    PaperPosition,
    PaperReport,
)

__all__ = [
    "AngelOneBook",
    "AngelOneListing",
    "AngelOneReport",
    "AngelOneSentOrder",
    "AngelOneSession",
    "PaperBook",
    "PaperOrder",
    "PaperPosition",
    "PaperReport",
]
