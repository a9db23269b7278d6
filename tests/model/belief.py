"""The worlds that may be: what takes a moment behind an answer may be done already or not, and an answer tells which.

Some places come back a little later than their client is told (a lapsed hold's, a deleted patient's). So an answer is judged by
each world in which some of them are back; those that would have answered otherwise are ruled out.
"""

import copy
from collections.abc import Callable, Iterator
from itertools import chain, combinations

from tests.model.world import Answer, World

Ask = Callable[[World], Answer]


class Belief:
    """Judges answers."""

    def __init__(self, world: World) -> None:
        self.worlds = [world]

    @property
    def world(self) -> World:
        """One of them. They have the same appointments in the same states; they differ in what is back."""
        return self.worlds[0]

    def judge(self, ask: Ask, told: Answer) -> None:
        """Does in every world what was asked, and keeps those that answer what the client was told."""
        tried = [(ask(world), world) for world in self._reachable()]
        self.worlds = _unlike([world for answer, world in tried if answer == told])
        expected = sorted({str(answer) for answer, _ in tried})
        assert self.worlds, f"told {told}, to be expected was {' or '.join(expected)}"

    def happens(self, event: Callable[[World], None]) -> None:
        """Something that nobody answers."""
        for world in self.worlds:
            event(world)

    def settle(self) -> None:
        """From now on everything is back that was owed."""
        for world in self.worlds:
            world.give_back(world.owed)
        self.worlds = _unlike(self.worlds)

    def _reachable(self) -> Iterator[World]:
        """Each world with each selection of what is owed in it given back."""
        for world in self.worlds:
            owed = world.owed
            for back in chain.from_iterable(combinations(owed, count) for count in range(len(owed) + 1)):
                one = copy.deepcopy(world)
                one.give_back(back)
                yield one


def _unlike(worlds: list[World]) -> list[World]:
    """Without doubles."""
    return [world for place, world in enumerate(worlds) if world not in worlds[:place]]
