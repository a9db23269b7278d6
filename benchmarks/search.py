"""How long the search for open slots takes over HTTP, beside its SQL alone: `make bench-search`.

Fifty doctors with thirty days of slots, on a stack of its own as `bookings.py` has it. Each request is followed by the same
statement on a connection of our own, so that both see the same machine at the same moment. Ends by itself, with the plans.
"""

import argparse
import asyncio
import datetime as dt
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import httpx2

from benchmarks.figures import Ceiling, Spread, percentile, ratios
from benchmarks.report import table
from benchmarks.stack import own_servers, register
from deploy.embedded.servers import EmbeddedServers
from deploy.embedded.services import Services
from deploy.stores import databases
from services.availability.repository.slots.search import SearchPosition, SlotQuery, statement
from shared.infra import postgres
from tests.support.rows import add_timed_slots, slots_of_days

DOCTORS, DAYS, SLOTS_A_DAY = 50, 30, 32
ROUNDS, SEARCHES = 5, 100
"""So many of each kind in a round."""
WARM_UP = 50
P95_MS = Ceiling(50)
FIRST_SLOT, LENGTH = dt.time(9, 15), dt.timedelta(minutes=15)
SPEAKERS = "UPDATE doctors SET languages = '{de}' WHERE id = ANY ($1)"


class Kind:
    """One kind of search: what the client asks, and the statement that availability makes of it."""

    def __init__(self, name: str, clinic: UUID, doctors: list[UUID], size: int, **query: str | int) -> None:
        now = dt.datetime.now(dt.UTC)
        first, last = now.date(), now.date() + dt.timedelta(days=DAYS)
        self.name = name
        self.query: dict[str, str | int] = {"from": str(first), "to": str(last), **query}
        self._asked = SlotQuery(
            clinic_id=clinic, doctors=doctors, first=first, last=last, bookable_after=now, now=now,
            horizon_days=400, after=SearchPosition(now), location_id=None, limit=size + 1,
        )  # fmt: skip
        self.http_ms: list[list[float]] = []
        self.sql_ms: list[list[float]] = []

    def statement(self) -> tuple[Any, ...]:
        """As availability would send it now."""
        now = dt.datetime.now(dt.UTC)
        return statement(self._asked._replace(bookable_after=now, now=now, after=SearchPosition(now)))

    def row(self) -> list[str]:
        """Its line of the table."""
        http, sql = ([percentile(one, 0.95) for one in rounds] for rounds in (self.http_ms, self.sql_ms))
        p50 = Spread.of([percentile(one, 0.50) for one in self.http_ms])
        found, times = Spread.of(http), ratios(http, sql)
        return [self.name, p50.text(1), found.text(1), P95_MS.verdict(found), Spread.of(sql).text(1), times.text(1)]


def kinds(clinic: UUID, doctors: list[UUID]) -> list[Kind]:
    """The searches that are measured."""
    return [
        Kind("the earliest ten of all", clinic, doctors, 10, earliest=10),
        Kind("a page of all", clinic, doctors, 50),
        Kind("the longest page of all", clinic, doctors, 200, limit=200),
        Kind("a page of those who speak German, a fifth", clinic, speakers(doctors), 50, language="de"),
        Kind("a page of one doctor", clinic, doctors[:1], 50, doctor_id=str(doctors[0])),
    ]


async def fill(servers: EmbeddedServers) -> tuple[UUID, list[UUID]]:
    """The clinic with its doctors and their slots."""
    doctors = [UUID(one) for one in (await register(servers, DOCTORS, 1))[0]]
    availability = await asyncpg.connect(servers.postgres_dsn("availability"))
    clinic = await availability.fetchval("SELECT clinic_id FROM doctors LIMIT 1")
    dates = [dt.datetime.now(dt.UTC).date() + dt.timedelta(days=number) for number in range(1, DAYS + 1)]
    await add_timed_slots(availability, clinic, slots_of_days(doctors, dates, FIRST_SLOT, SLOTS_A_DAY, LENGTH), LENGTH)
    await availability.execute(SPEAKERS, speakers(doctors))
    await availability.execute("ANALYZE doctors, days, slots")
    await availability.close()
    return clinic, doctors


def speakers(doctors: list[UUID]) -> list[UUID]:
    """The fifth of the doctors who speak German."""
    return sorted(doctors)[: DOCTORS // 5]


@asynccontextmanager
async def acting(servers: EmbeddedServers, clinic: UUID) -> AsyncIterator[postgres.Connection]:
    """A transaction of availability's role for the clinic: row security binds it as it binds the service."""
    role = "availability_app"
    password = servers.secrets.passwords([role])[role]
    connection = await asyncpg.connect(databases.dsn_of(servers.postgres_dsn(), role, password, "availability"))
    async with connection.transaction():
        await connection.fetchrow(postgres.ACT_FOR, postgres.clinic_array((clinic,)))
        yield connection
    await connection.close()


async def measure(servers: EmbeddedServers, api: str, found: list[Kind], clinic: UUID, rounds: int) -> list[str]:
    """All rounds; the plans of the statements."""
    async with httpx2.AsyncClient(base_url=api, timeout=30) as http, acting(servers, clinic) as sql:
        for number in range(rounds + 1):
            for kind in found:
                warming = number == 0
                pairs = [await pair(http, sql, kind) for _ in range(WARM_UP if warming else SEARCHES)]
                if not warming:
                    kind.http_ms.append([one for one, _ in pairs])
                    kind.sql_ms.append([one for _, one in pairs])
            print(f"round {number} of {rounds}", flush=True)
        return [await plan(sql, kind) for kind in found]


async def pair(http: httpx2.AsyncClient, sql: postgres.Connection, kind: Kind) -> tuple[float, float]:
    """The milliseconds of a search, and those of its statement."""
    began = time.perf_counter()
    answer = await http.get("/slots", params=kind.query)
    between = time.perf_counter()
    rows = await sql.fetch(*kind.statement())
    done = time.perf_counter()
    if len(answer.json()["items"]) != len(rows) - 1:
        raise RuntimeError(f"{kind.name}: {answer.text[:200]}")
    return (between - began) * 1000, (done - between) * 1000


async def plan(sql: postgres.Connection, kind: Kind) -> str:
    """By which index the statement goes."""
    text, *parameters = kind.statement()
    lines = [row[0].strip() for row in await sql.fetch(f"EXPLAIN {text}", *parameters)]
    return f"{kind.name}: {next(line for line in lines if 'slots' in line and 'Scan' in line)}"


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="each measures every kind of search")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by an exception, so that everything is stopped
    with own_servers() as servers:
        clinic, doctors = asyncio.run(fill(servers))
        services = Services(servers)
        try:
            services.start()
            found = kinds(clinic, doctors)
            plans = asyncio.run(measure(servers, f"{services.url('gateway')}/api/v1", found, clinic, asked.rounds))
        finally:
            services.stop()
    heading = ["search", "p50 ms", "p95 ms", "to keep", "SQL alone, p95 ms", "times the SQL"]
    print(table([heading, *(kind.row() for kind in found)]), *plans, sep="\n")


if __name__ == "__main__":
    main()
