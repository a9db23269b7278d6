"""The arithmetic of the benchmarks, free of I/O: percentiles, rates and the ratio to a limit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (above 0, up to 1) do not exceed. Raises `ValueError` without values."""
    if not values or not 0 < share <= 1:
        raise ValueError("a percentile needs values, and a share above 0 and up to 1")
    return sorted(values)[math.ceil(share * len(values)) - 1]


def in_turn(*rates: float) -> float:
    """The rate of something that takes one turn at each of these rates."""
    return 1 / sum(1 / rate for rate in rates)


@dataclass(frozen=True)
class Load:
    """What a closed loop saw: the time of each final answer that was hoped for, and how many others there were."""

    seconds: float
    latencies_ms: Sequence[float]
    others: int
    all_answers: int
    """Those of the warm-up too."""

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.seconds

    @property
    def p50_ms(self) -> float:
        return percentile(self.latencies_ms, 0.50)

    @property
    def p99_ms(self) -> float:
        return percentile(self.latencies_ms, 0.99)
