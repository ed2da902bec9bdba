"""Kills worker processes at random while a replay runs."""

import os
import random
import threading
from dataclasses import dataclass, field
from typing import Self

import psutil
from django.db import connection

from apps.execution.models import DeploymentCursor


@dataclass
class WorkerKiller:
    """Ends workers with SIGKILL, each at a bar drawn from a seed.

    Attributes:
        replay: Name of the replay.
        bars: How many bars the replay has.
        kills: How many workers to kill.
        victims: What was killed, in turn: a program and its children, a program alone, a child.
    """

    replay: str
    bars: int
    kills: int
    seed: int
    victims: list[str] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="killer")
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        dice = random.Random(self.seed)
        try:
            for bar in sorted(dice.sample(range(self.bars // 20, self.bars), self.kills)):
                if not (self._bar_comes(bar) and self._kill(dice)):
                    return
        finally:
            connection.close()

    def _bar_comes(self, bar: int) -> bool:
        """Wait for a bar to be dealt with; False when the replay is over."""
        cursor = DeploymentCursor.objects.filter(deployment__name=f"replay-{self.replay}")
        while (cursor.values_list("bars_seen", flat=True).first() or 0) < bar:
            if self._is_over.wait(0.005):
                return False
        return True

    def _kill(self, dice: random.Random) -> bool:
        """Kill as soon as there is a worker; the successor of the last may be on its way up."""
        while not (programs := self._programs_at_work()):
            if self._is_over.wait(0.02):
                return False
        program, children = dice.choice(programs)
        kind = dice.choice(["all", "program", "child"])
        victims = {"all": [program, *children], "program": [program]}
        self._is_over.wait(dice.uniform(0, 0.1))
        for victim in victims.get(kind) or [dice.choice(children)]:
            victim.kill()
        self.victims.append(kind)
        return True

    def _programs_at_work(self) -> list[tuple[psutil.Process, list[psutil.Process]]]:
        found = []
        for program in psutil.Process(os.getpid()).children():
            children = program.children()
            if children and f"replay-{self.replay}" in program.cmdline():
                found.append((program, children))
        return found
