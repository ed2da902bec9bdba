"""Tables of the broker adapters. The paper venue's are private to it: read the broker port."""

from apps.brokers.models.paper import (
    PaperBook,
    PaperOrder,
    PaperPosition,
    PaperReport,
)

__all__ = ["PaperBook", "PaperOrder", "PaperPosition", "PaperReport"]
