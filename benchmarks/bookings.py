"""Bookings a second through the whole system, beside a monolith and pgbench of the same statements: `make bench`.

It runs everything on a stack of its own (free ports, a temporary folder, nothing but 127.0.0.1) and ends by itself. Each round
measures all of them one after the other, so that a ratio is of moments that lie side by side: a machine moves by a factor of two.
"""

import argparse
import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import plot, report
from benchmarks.figures import Load
from benchmarks.load import Orders, longest_seconds
from benchmarks.measured import Measured
from benchmarks.stack import Bench, running
from deploy.embedded.environment import process_environment

IN_FLIGHT = (1, 16, 64, 256)
ROUNDS = 5
DOCTORS, PATIENTS = 1_000, 1_000
PLACES_A_DAY = 10
SECONDS, WARM_UP_SECONDS = 3.0, 1.0
FIRST_WARM_UP_SECONDS = 5.0
"""Before the first round: a JVM and a database get faster for a while, and every doctor and patient is asked for once."""
REFERENCE_SECONDS = 2
IDLE_SECONDS = 2.0
ENDS_WITHIN_SECONDS = 30
"""So long the generator may need to start and to end."""


class Runs:
    """The loads of one benchmark, each behind the places of the one before it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._first = dict.fromkeys(bench.ports, 0)

    def warm_up(self, name: str, in_flight: int) -> None:
        """Asks for every doctor and patient once, at least."""
        bench = self._bench
        at_least = max(len(bench.doctors), len(bench.patients))
        self._ask(name, in_flight=in_flight, seconds=0.0, warm_up_seconds=FIRST_WARM_UP_SECONDS, at_least=at_least)

    def load(self, name: str, in_flight: int, seconds: float) -> tuple[Load, dict[str, float]]:
        """One closed loop, and the microseconds that each process spent on one booking."""
        before = self._bench.cpu_seconds()
        load = self._ask(name, in_flight=in_flight, seconds=seconds, warm_up_seconds=WARM_UP_SECONDS)
        spent = {process: used - before[process] for process, used in self._bench.cpu_seconds().items()}
        if not load.latencies_ms:
            raise RuntimeError(f"{name} booked nothing in {seconds} s with {in_flight} in flight: {load.others} other answers")
        return load, {process: seconds * 1e6 / load.all_answers for process, seconds in spent.items()}

    def _ask(self, name: str, **how: Any) -> Load:
        bench = self._bench
        people: dict[str, Any] = {"doctors": bench.doctors, "patients": bench.patients, "places_a_day": PLACES_A_DAY}
        load = generate(Orders(port=bench.ports[name], first=self._first[name], **people, **how))
        self._first[name] += load.asked
        return load

    def idle_cores(self, seconds: float) -> float:
        """How much of a core everything uses while nobody asks."""
        before = sum(self._bench.cpu_seconds().values())
        time.sleep(seconds)
        return (sum(self._bench.cpu_seconds().values()) - before) / seconds


def generate(orders: Orders) -> Load:
    """Runs the load generator as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(dataclasses.asdict(orders)),
        env=process_environment({}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=longest_seconds(orders) + ENDS_WITHIN_SECONDS,
    )
    return Load(**json.loads(done.stdout))


def measure(bench: Bench, in_flight: tuple[int, ...], rounds: int, seconds: float) -> Measured:
    """All rounds. Who comes first changes from round to round."""
    runs, measured = Runs(bench), Measured(in_flight)
    for name in bench.ports:
        runs.warm_up(name, max(in_flight))
    measured.idle_cores = runs.idle_cores(IDLE_SECONDS)
    for number in range(rounds):
        names = list(bench.ports)[:: -1 if number % 2 else 1]
        for level in in_flight:
            for name in names:
                load, cost = runs.load(name, level, seconds)
                measured.loads.setdefault((name, level), []).append(load)
                measured.cost_us.setdefault((name, level), []).append(cost)
        measured.pgbench.append(bench.reference.run(REFERENCE_SECONDS))
        print(report.progress(measured, number + 1, rounds), flush=True)
    return measured


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="each measures everything once")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of one load")
    parser.add_argument("--in-flight", type=int, nargs="+", default=IN_FLIGHT, help="clients of a closed loop")
    parser.add_argument("--plot", type=Path, help="where to draw the result, an SVG")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by an exception, so that everything is stopped
    began = time.monotonic()
    with running(DOCTORS, PATIENTS) as bench:
        print(f"{DOCTORS:,} doctors, {PATIENTS:,} patients, everything ready after {time.monotonic() - began:.0f} s", flush=True)
        measured = measure(bench, tuple(asked.in_flight), asked.rounds, asked.seconds)
    print(report.tables(measured))
    if asked.plot:
        asked.plot.write_text(plot.svg(measured))


if __name__ == "__main__":
    main()
