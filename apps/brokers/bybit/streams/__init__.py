"""Bybit's streams, supervised: hints that make the desk read the truth sooner."""

from apps.brokers.bybit.streams.account import AccountStream
from apps.brokers.bybit.streams.connection import StreamLost, StreamPlace
from apps.brokers.bybit.streams.market import Followed, MarketFeed
from apps.brokers.bybit.streams.supervisor import StreamListener, SupervisedStream
from apps.brokers.bybit.streams.trigger import NotYet, Trigger

__all__ = [
    "AccountStream",
    "Followed",
    "MarketFeed",
    "NotYet",
    "StreamListener",
    "StreamLost",
    "StreamPlace",
    "SupervisedStream",
    "Trigger",
]
