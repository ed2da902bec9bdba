"""Plays the running feeds until it is told to stop."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand
from django.db import OperationalError, close_old_connections
from kombu.exceptions import OperationalError as MessageNotSent

from apps.execution.services.feeding import FeedPace, feeds_play
from apps.execution.tasks import deployment_tick_task

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.02
PAUSE_SECONDS = 2.0


class Command(BaseCommand):
    """``manage.py feed``."""

    help = "Plays every running feed into the desk and wakes the deployments that trade on it."

    def handle(self, *args: Any, **options: Any) -> None:
        """Play until SIGINT or SIGTERM."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        pace = FeedPace()
        while not stop.is_set():
            stop.wait(self._round(pace))

    def _round(self, pace: FeedPace) -> float:
        """Play one round; return for how many seconds to pause."""
        try:
            for deployment_id in feeds_play(pace=pace):
                deployment_tick_task.delay(deployment_id)
        except OperationalError as error:
            log.warning("the database cannot be reached, trying again: %s", error)
            close_old_connections()
            return PAUSE_SECONDS
        except MessageNotSent as error:
            # The bars are stored: the sweep wakes whoever was not told
            log.warning("Redis cannot be reached, trying again: %s", error)
            return PAUSE_SECONDS
        return LOOK_SECONDS
