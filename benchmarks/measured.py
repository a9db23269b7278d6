"""What a benchmark measured, before anybody judges or draws it. Filled by `bookings.py`, read by `report.py` and `plot.py`."""

from dataclasses import dataclass, field

from benchmarks.figures import Load


@dataclass
class Measured:
    """Everything that was measured: loads by who answered and how many were in flight, a value for each round."""

    in_flight: tuple[int, ...]
    loads: dict[tuple[str, int], list[Load]] = field(default_factory=dict)
    cost_us: dict[tuple[str, int], list[dict[str, float]]] = field(default_factory=dict)
    """Processor time of one booking, by process."""
    pgbench: list[float] = field(default_factory=list)
    idle_cores: float = 0.0
    """What the system uses of a core while nobody asks: the others are measured beside that."""
