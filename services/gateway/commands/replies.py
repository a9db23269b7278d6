"""The choice of a partition of `gateway.replies` for the reply to a command: one that this process reads."""

from typing import Protocol


class ReplyConsumer(Protocol):
    """The consumer of replies, a `Stream`: the partitions that it holds at this moment."""

    @property
    def partitions(self) -> list[int]: ...


class ReplyPartitions:
    """Takes turns over the partitions that are held at each moment."""

    def __init__(self, consumer: ReplyConsumer) -> None:
        self._consumer = consumer
        self._turn = 0

    def next(self) -> int | None:
        """A partition, or None while this process holds none: the outcome is then found by polling."""
        held = self._consumer.partitions
        if not held:
            return None
        self._turn += 1
        return held[self._turn % len(held)]
