"""Kills its own process at one pass of one step; only a worker that is to die puts it in place."""

import os
import signal
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.proofs.crash.steps import Moment, Step

Called = Callable[..., Any]


class Trap:
    """Stands at a step, and lets the process die when it is passed for the wanted time.

    It replaces names where they are called from, in this process alone: the product knows nothing
    of it.
    """

    def __init__(self, step: Step, *, at_pass: int) -> None:
        """Prepare the death at the ``at_pass``-th pass, from 1."""
        self._step = step
        self._to_go = at_pass
        self._depth = 0
        self._is_ready = not step.needs

    def install(self) -> None:
        """Put it in place for the rest of this process."""
        if self._step.within:
            _wrap(self._step.within, self._within)
        if self._step.needs:
            _wrap(self._step.needs, self._needed)
        _wrap(self._step.place, self._place)

    def _within(self, called: Called) -> Called:
        def entered(*arguments: Any, **named: Any) -> Any:
            self._depth += 1
            try:
                return called(*arguments, **named)
            finally:
                self._depth -= 1

        return entered

    def _needed(self, called: Called) -> Called:
        def passed(*arguments: Any, **named: Any) -> Any:
            came_back = called(*arguments, **named)
            self._is_ready = True
            return came_back

        return passed

    def _place(self, called: Called) -> Called:
        def trapped(*arguments: Any, **named: Any) -> Any:
            moment = self._step.moment
            if moment is Moment.AFTER:
                came_back = called(*arguments, **named)
                if self._is_due():
                    die()
                return came_back
            if self._is_due():
                if moment is Moment.HALFWAY:
                    _half_send(*arguments)
                die()
            return called(*arguments, **named)

        return trapped

    def _is_due(self) -> bool:
        if not self._is_ready or (self._step.within and not self._depth):
            return False
        self._to_go -= 1
        return self._to_go == 0


def die() -> None:
    """End this process as a crash would: nothing is flushed, closed or said."""
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()  # no further statement runs before the signal is delivered


def _half_send(connection: Any, part: bytes) -> None:
    """Put the first half of what was to be sent on the wire."""
    connection.sock.sendall(part[: len(part) // 2])


def _wrap(place: str, wrapper: Callable[[Called], Called]) -> None:
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    setattr(owner, name, wrapper(getattr(owner, name)))
