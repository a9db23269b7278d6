"""A clinic of extremes through every route of the API: `make bench-extremes`.

200 schedule entries in two zones and slots of a minute, 1,000 places a day for 400 days, 100,000 patients, a doctor with 50,000
appointments, 1,000 exceptions. On a stack of its own; prints the slowest answer of each route, and of each process the longest
block of its event loop and the most memory, beside what is to be kept. Ends with 1 if a route is left out or answers 500.
"""

import argparse
import asyncio
import json
import re
import signal
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from benchmarks.extreme_calls import Asked, Calls, all_calls
from benchmarks.extreme_clinic import Extremes, fill
from benchmarks.report import table
from benchmarks.stack import own_servers
from deploy.embedded.services import Services

ANSWER_SECONDS, BLOCKED_SECONDS, MEMORY_MB = 5.0, 0.2, 400.0
ROOT = "/api/v1"
DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"
LONGEST_BLOCK = re.compile(r"^frontdesk_event_loop_longest_block_seconds (\S+)$", re.MULTILINE)


@dataclass
class Process:
    """What a process showed: the longest block of its event loop, behind which route it was there, and the most memory."""

    blocked_seconds: float = 0.0
    seen_behind: str = ""
    memory_mb: float = 0.0


@dataclass
class Watch:
    """Looks at all processes behind each call."""

    services: Services
    http: httpx2.AsyncClient
    processes: dict[str, Process] = field(default_factory=dict)

    async def look(self, route: str) -> None:
        """Notes what has grown since the last look."""
        for service in self.services:
            seen = self.processes.setdefault(service.name, Process())
            found = LONGEST_BLOCK.search((await self.http.get(f"{service.url}/metrics")).text)
            blocked = float(found[1]) if found else 0.0
            if blocked > seen.blocked_seconds:
                seen.blocked_seconds, seen.seen_behind = blocked, route
            identity = service.process.id
            seen.memory_mb = peak_mb(identity.pid) if identity else seen.memory_mb


def peak_mb(pid: int) -> float:
    """The most memory that a process has had so far."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def documented_routes(document: Mapping[str, object]) -> set[str]:
    """The routes of the API, by method and template of the path behind its root."""
    paths = document["paths"]
    assert isinstance(paths, dict)
    routes = [(verb, path.removeprefix(ROOT)) for path, verbs in paths.items() if path.startswith(ROOT) for verb in verbs]
    return {f"{verb.upper()} {path}" for verb, path in routes}


def kept(value: float, most: float) -> str:
    """How many times its limit a value is, and whether that is kept."""
    return f"{value / most:.2f}: {'kept' if value <= most else 'not kept'}"


def report(asked: Mapping[str, Asked], processes: Mapping[str, Process]) -> str:
    """Both tables, the slowest first."""
    routes = [["route", "slowest answer, s", f"of {ANSWER_SECONDS:.0f} s", "answers"]]
    for route, one in sorted(asked.items(), key=lambda item: -item[1].seconds):
        routes.append([route, f"{one.seconds:.2f}", kept(one.seconds, ANSWER_SECONDS), ", ".join(map(str, sorted(one.statuses)))])
    loops = [["process", "longest block, s", f"of {BLOCKED_SECONDS} s", "behind", "most memory, MB", f"of {MEMORY_MB:.0f} MB"]]
    for name, seen in processes.items():
        blocked, memory = kept(seen.blocked_seconds, BLOCKED_SECONDS), kept(seen.memory_mb, MEMORY_MB)
        loops.append([name, f"{seen.blocked_seconds:.3f}", blocked, seen.seen_behind, f"{seen.memory_mb:.0f}", memory])
    return f"{table(routes)}\n\n{table(loops)}"


def faults(asked: Mapping[str, Asked], routes: Iterable[str], most_seconds: float) -> list[str]:
    """Routes that nobody asked, that failed, or that took longer than this."""
    left_out = [f"{route}: not asked" for route in sorted(set(routes) - asked.keys())]
    failed = [f"{route}: {sorted(one.statuses)}" for route, one in asked.items() if max(one.statuses) >= 500]
    return left_out + failed + [f"{route}: {one.seconds:.1f} s" for route, one in asked.items() if one.seconds > most_seconds]


async def measure(services: Services, clinic: Extremes, share: float) -> tuple[dict[str, Asked], dict[str, Process]]:
    """All routes, with a look at the processes behind each call."""
    async with httpx2.AsyncClient(timeout=60) as scrapes:
        watch = Watch(services, scrapes)
        async with httpx2.AsyncClient(base_url=f"{services.url('gateway')}{ROOT}", timeout=60) as http:
            calls = Calls(http, watch.look)
            await all_calls(calls, clinic, share)
    return calls.asked, watch.processes


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of everything that there is much of")
    parser.add_argument("--most-seconds", type=float, default=60.0, help="an answer that takes longer is a fault")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by an exception, so that everything is stopped
    with own_servers() as servers:
        clinic = asyncio.run(fill(servers, given.share))
        services = Services(servers)
        try:
            services.start()
            asked, processes = asyncio.run(measure(services, clinic, given.share))
        finally:
            services.stop()
    print(report(asked, processes))
    if found := faults(asked, documented_routes(json.loads(DOCUMENT.read_text())), given.most_seconds):
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main()
