"""What a benchmark measured, as Markdown for a terminal and for `docs/performance.md`: each figure beside its limit."""

from __future__ import annotations

import statistics

from benchmarks.figures import Limit, Spread, ratios
from benchmarks.measured import Measured

SYSTEM, MONOLITH = "frontdesk", "monolith"
TIMES_THE_MONOLITH = {64: Limit(3, 1), 256: Limit(5, 1)}
BOOKINGS_A_SECOND = {256: Limit(1_000)}
"""By clients in flight. What has no limit here is shown without one."""


def progress(measured: Measured, number: int, rounds: int) -> str:
    """One line for each round, so that a run of minutes shows that it lives."""
    now = [f"{name} {level}: {loads[-1].per_second:,.0f}" for (name, level), loads in measured.loads.items()]
    return f"round {number} of {rounds}, bookings/s: {', '.join(now)}, pgbench: {measured.pgbench[-1]:,.0f}"


def tables(measured: Measured) -> str:
    """The result: speed, latency, and where the processor's time goes."""
    most = max(measured.in_flight)
    idle = f"The system at rest uses {measured.idle_cores:.2f} of a core; monolith and pgbench were measured beside that."
    return "\n\n".join((table(_speed(measured)), table(_latency(measured)), table(_costs(measured, most)), idle))


def _speed(measured: Measured) -> list[list[str]]:
    rows = [["in flight", "bookings/s", "to reach", "monolith/s", "times the monolith", "to reach", "pgbench/s", "times pgbench"]]
    for level in measured.in_flight:
        ours, theirs = rates(measured, SYSTEM, level), rates(measured, MONOLITH, level)
        speed, times = Spread.of(ours), ratios(ours, theirs)
        rows.append(
            [
                str(level), speed.text(), _verdict(BOOKINGS_A_SECOND, level, speed), Spread.of(theirs).text(), times.text(1),
                _verdict(TIMES_THE_MONOLITH, level, times), Spread.of(measured.pgbench).text(),
                ratios(ours, measured.pgbench).text(2),
            ]
        )  # fmt: skip
    return rows


def _latency(measured: Measured) -> list[list[str]]:
    rows = [["in flight", "p50 ms", "p99 ms", "monolith p50 ms", "monolith p99 ms", "other answers", "generator, of a core"]]
    for level in measured.in_flight:
        ours, theirs = measured.loads[SYSTEM, level], measured.loads[MONOLITH, level]
        spreads = [
            Spread.of([getattr(load, name) for load in loads]) for loads in (ours, theirs) for name in ("p50_ms", "p99_ms")
        ]
        others = sum(load.others for load in (*ours, *theirs))
        cores = max(load.cpu_seconds / load.seconds for load in ours)
        rows.append([str(level), *(spread.text() for spread in spreads), str(others), f"{cores:.2f}"])
    return rows


def _costs(measured: Measured, level: int) -> list[list[str]]:
    """The microseconds of one booking by process, medians, with `level` in flight."""
    rows = [[f"µs of a booking, {level} in flight", "all", "by process"]]
    for name in (SYSTEM, MONOLITH):
        runs = measured.cost_us[name, level]
        by_process = {process: statistics.median(run[process] for run in runs) for process in runs[0]}
        parts = {process: us for process, us in by_process.items() if _takes_part(name, process)}
        listed = sorted(parts.items(), key=lambda part: -part[1])
        rows.append([name, f"{sum(parts.values()):,.0f}", ", ".join(f"{process} {us:,.0f}" for process, us in listed)])
    return rows


def rates(measured: Measured, name: str, level: int) -> list[float]:
    """Bookings a second of each round."""
    return [load.per_second for load in measured.loads[name, level]]


def _takes_part(name: str, process: str) -> bool:
    """The monolith has nothing but itself and PostgreSQL; what else runs then is the system at rest."""
    return process in {MONOLITH, "postgres"} if name == MONOLITH else process != MONOLITH


def _verdict(limits: dict[int, Limit], level: int, found: Spread) -> str:
    return limits[level].verdict(found) if level in limits else ""


def table(rows: list[list[str]]) -> str:
    """Rows as Markdown, the first of them the heading."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{' --- |' * len(rows[0])}", *lines[1:]])
