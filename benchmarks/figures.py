"""The arithmetic of the benchmarks, free of I/O: percentiles, medians with their spread, ratios of what was measured together."""

import math
import statistics
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
    asked: int
    cpu_seconds: float
    """What the generator itself used."""

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.seconds

    @property
    def p50_ms(self) -> float:
        return percentile(self.latencies_ms, 0.50)

    @property
    def p99_ms(self) -> float:
        return percentile(self.latencies_ms, 0.99)


@dataclass(frozen=True)
class Spread:
    """The median of some runs, between the lowest and the highest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int = 0) -> str:
        """`1,018 (990-1,100)`, or the value alone where all runs agree."""
        median, low, high = (f"{value:,.{digits}f}" for value in (self.median, self.low, self.high))
        return median if low == high else f"{median} ({low}-{high})"


def ratios(values: Sequence[float], beside: Sequence[float]) -> Spread:
    """How many times each value is what was measured beside it, in the same round."""
    return Spread.of([value / other for value, other in zip(values, beside, strict=True)])


@dataclass(frozen=True)
class Limit:
    """What a figure is to reach. It is printed beside the figure and judges no test."""

    least: float
    digits: int = 0

    def verdict(self, found: Spread) -> str:
        """`≥ 3.0: reached`, by the median."""
        return f"≥ {self.least:,.{self.digits}f}: {'reached' if found.median >= self.least else 'not reached'}"


@dataclass(frozen=True)
class Ceiling:
    """What a figure is not to exceed; otherwise as a `Limit`."""

    most: float

    def verdict(self, found: Spread) -> str:
        """`≤ 50: kept`, by the median."""
        return f"≤ {self.most:,.0f}: {'kept' if found.median <= self.most else 'not kept'}"
