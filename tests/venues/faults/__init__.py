"""What goes wrong at a wire-level venue on request: one script, asked at each message."""

from tests.venues.faults.requests import faults_on_requests
from tests.venues.faults.script import ON_ORDERS, ON_REQUESTS, ON_STREAMS, Fault, FaultScript, Kind
from tests.venues.faults.streams import FaultyStream, Frame

__all__ = [
    "ON_ORDERS",
    "ON_REQUESTS",
    "ON_STREAMS",
    "Fault",
    "FaultScript",
    "FaultyStream",
    "Frame",
    "Kind",
    "faults_on_requests",
]
