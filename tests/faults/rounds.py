"""A round: commands of recorded clients, a fault in the middle of them, and the checker afterwards.

`FAULT_SEED` seeds all rounds, `FAULT_ROUNDS` says how many of each there are (`make faults SEED=7` plays five). A failure names
the seed that it can be run again with; what each round came to is a line of the table that the run ends with.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.checker.check import QUIET_WITHIN_SECONDS, check
from tests.checker.history import History
from tests.faults.client import Client, client_of
from tests.faults.load import COMMANDS, SHARE
from tests.faults.system import System

SEED = os.environ.get("FAULT_SEED", "1")
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
TIMEOUT_SECONDS = 600
"""A round's: with its fault, on a machine that does much else."""
EARLIEST, LATEST = round(100 * SHARE), round(400 * SHARE)
"""Between so many ends of commands the fault comes."""

each_round = pytest.mark.parametrize("number", range(1, ROUNDS + 1), ids="round{}".format)
"""One round, or as many as `FAULT_ROUNDS` says."""


@dataclass
class Round:
    """One round, and what it came to. `what` is done to the system; `number` tells its rounds apart, and their dice."""

    what: str
    number: int
    client: Client
    key: str = field(default_factory=lambda: uuid4().hex)
    """Of what the round registers by a key of its own."""
    happened: list[str] = field(default_factory=list)
    checked: str = "failed"
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{SEED}/{self.what}/{self.number}")

    def tell(self, event: str) -> None:
        """Remembers what was done, and how many commands had ended by then."""
        self.happened.append(f"{event} at {self.client.ended}")

    async def moment(self) -> None:
        """Returns at the round's seeded moment in the middle of a load."""
        await self.client.after(ended=self.dice.randint(EARLIEST, LATEST))
        assert self.client.ended < COMMANDS, "the fault comes before the work is done"

    async def a_while(self, most: int) -> None:
        """Returns after so many more requests at most, answered or not: a pause that goes on whatever is away."""
        await self.client.after(sent=self.client.sent + self.dice.randint(1, most))

    async def together(self, *works: Coroutine[Any, Any, None]) -> None:
        """The load and its fault side by side; if one fails, the others are ended."""
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)


class Rounds:
    """Plays rounds on a system. `tell` gets a row for each, of what it came to; each may take so long to come to rest."""

    def __init__(
        self,
        system: System,
        folder: Path,
        tell: Callable[[Sequence[str]], None],
        within_seconds: float = QUIET_WITHIN_SECONDS,
    ) -> None:
        self.system = system
        self._folder = folder
        self._tell = tell
        self._within_seconds = within_seconds

    @asynccontextmanager
    async def round(self, what: str, number: int = 1) -> AsyncIterator[Round]:
        """Inside is the round's work; on leaving every key is asked for again, and the checker must find nothing."""
        await self.system.whole()
        file = self._folder / f"{what.replace(' ', '-')}-{number}.jsonl"
        began = time.monotonic()
        async with client_of(self.system.urls, History(file)) as client:
            played = Round(what, number, client)
            try:
                yield played
                await client.all_again()
                assert client.surprises == []
                await self._checked(played)
            except BaseException as error:
                error.add_note(f"round {number} of {what!r}: {'; '.join(played.happened)}")
                raise
            finally:
                played.seconds = time.monotonic() - began
                self._tell(_row(played))

    async def _checked(self, played: Round) -> None:
        system, client = self.system, played.client
        report = await check(
            client.history, system.servers.kafka_bootstrap, system.dsns,
            doctors=client.doctors, injected=system.injected, within_seconds=self._within_seconds,
        )  # fmt: skip
        assert report.ok, report.text()
        played.checked = " ".join(f"{one.invariant}:{sum(one.looked_at.values())}" for one in report.findings)


HEAD = (
    "round",
    "",
    "booked",
    "refused",
    "held",
    "confirmed",
    "moved",
    "cancelled",
    "checked in",
    "other",
    "broken",
    "202",
    "503",
    "s",
    "checked",
    "faults",
)


def _row(played: Round) -> Sequence[str]:
    ends, troubles = played.client.ends(), played.client.troubles
    counts = (
        ends["book", 201],
        ends["book", 409],
        ends["hold", 201],
        ends["confirm", 200],
        ends["move", 200],
        ends["cancel", 200],
        ends["check-in", 201],
    )
    other = ends.total() - sum(counts)
    numbers = (*counts, other, troubles["broken"], troubles["202"], troubles["503"], round(played.seconds))
    return (played.what, str(played.number), *map(str, numbers), played.checked, "; ".join(played.happened))
