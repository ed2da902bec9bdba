"""Plays every named step, and prints what came of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.proofs.crash.lanes import crash_venue
from tests.proofs.crash.rounds import Round, kills_at, round_play
from tests.proofs.crash.steps import Step
from tests.proofs.crash.verdict import Verdict, verdicts_of
from tests.proofs.crash.worker import WorkerStart, worker_run


@dataclass(frozen=True, slots=True)
class Row:
    """One step and what came of its kills."""

    step: Step
    rounds: Sequence[Round]
    verdicts: Sequence[Verdict]

    @property
    def kills(self) -> int:
        """How many workers died there, of those that should."""
        return sum(each.was_killed for each in self.rounds)

    @property
    def found(self) -> str:
        """In what states the orders under way were found, and how often."""
        states = Counter(each.found for each in self.rounds if each.was_killed)
        return ", ".join(f"{state} {count}" for state, count in sorted(states.items()))

    @property
    def faults(self) -> list[str]:
        """Return a sentence for everything that is wrong; a kill that never fired is, too."""
        wrong = []
        for played, verdict in zip(self.rounds, self.verdicts, strict=True):
            place = f"{self.step.name} in {played.scene} on {played.account}"
            if not played.was_killed:
                wrong.append(f"{place}: the worker was not killed")
            wrong += [f"{place}: {sentence}" for sentence in verdict.sentences]
        return wrong

    def text(self) -> str:
        """Return the row as printed."""
        counts = (
            sum(len(verdict.duplicates) for verdict in self.verdicts),
            sum(len(verdict.lost) for verdict in self.verdicts),
            sum(len(verdict.unresolved) for verdict in self.verdicts),
            sum(len(verdict.differences) for verdict in self.verdicts),
        )
        numbers = " ".join(f"{count:>5}" for count in counts)
        return f"{self.step.name:<19}{self.step.words:<51}{self.kills:>5} {numbers}  {self.found}"


HEAD = (
    f"{'step':<19}{'what had happened':<51}{'kills':>5} {'twice':>5} {'lost':>5} {'open':>5} "
    f"{'other':>5}  found"
)


def steps_play(
    folder: Path, steps: Iterable[Step], *, count: int, start: WorkerStart = worker_run
) -> list[Row]:
    """Kill ``count`` workers at each of the steps, all at one venue.

    Args:
        start: How the workers that are killed, and those after them, are started.
    """
    wanted = [
        (step, *planned)
        for number, step in enumerate(steps)
        for planned in kills_at(step, count=count, first=number)
    ]
    with crash_venue(folder) as venue:
        scenes = dict.fromkeys(scene for _, scene, _ in wanted)
        undisturbed = {scene: round_play(venue, scene, None) for scene in scenes}
        killed = [round_play(venue, scene, kill, start=start) for _, scene, kill in wanted]
        verdicts = verdicts_of(venue.journal(), killed, undisturbed)
    rows = []
    for step in dict.fromkeys(step for step, _, _ in wanted):
        own = [place for place, planned in enumerate(wanted) if planned[0] is step]
        rows.append(Row(step, [killed[at] for at in own], [verdicts[at] for at in own]))
    return rows
