"""Bybit's streams, supervised: hints that make the desk read the truth sooner."""

from apps.brokers.bybit.streams.connection import StreamPlace
from apps.brokers.bybit.streams.supervisor import StreamListener, SupervisedStream
from apps.brokers.bybit.streams.trigger import Trigger

__all__ = ["StreamListener", "StreamPlace", "SupervisedStream", "Trigger"]
