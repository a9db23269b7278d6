"""Takes a table to its owner: chunks in the order of the file, a few calls at once, their answers told in the same order.

Memory is bounded by what is under way. Called by `deploy.commands.imports`.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from deploy.importing.table import Table
from shared.contracts.imports import MAX_LINES, ImportLine, ImportReport, RejectedLine

CALLS_AT_ONCE = 3
MAX_CHUNK_BYTES = 128 * 1024
"""Of the file; with names of columns and escapes this stays below what an owner takes in one call."""


@dataclass
class Chunk:
    """Some lines for one call, those that need none because they are malformed, and where the file goes on."""

    lines: list[ImportLine] = field(default_factory=list)
    malformed: list[RejectedLine] = field(default_factory=list)
    last_line: int = 0
    end_byte: int = 0

    def add(self, record: ImportLine | RejectedLine, end_byte: int) -> None:
        """One more, after which the file goes on at this byte."""
        if isinstance(record, ImportLine):
            self.lines.append(record)
        else:
            self.malformed.append(record)
        self.last_line, self.end_byte = record.line, end_byte


@dataclass
class Tally:
    """What became of the lines up to `last_line`."""

    created: int = 0
    known: int = 0
    rejected: int = 0
    last_line: int = 0
    read_bytes: int = 0

    @property
    def lines(self) -> int:
        return self.created + self.known + self.rejected

    def add(self, chunk: Chunk, report: ImportReport) -> list[RejectedLine]:
        """Counts a chunk that is done; its rejected lines in order."""
        rejected = sorted([*chunk.malformed, *report.rejected], key=lambda line: line.line)
        self.created += report.created
        self.known += report.known
        self.rejected += len(rejected)
        self.last_line, self.read_bytes = chunk.last_line, chunk.end_byte
        return rejected


Send = Callable[[list[ImportLine]], Awaitable[ImportReport]]
Done = Callable[[Chunk, ImportReport], None]


def chunks(table: Table) -> Iterator[Chunk]:
    """The whole table, piece by piece."""
    chunk, begun = Chunk(), table.bytes
    for record in table:
        chunk.add(record, table.bytes)
        if len(chunk.lines) + len(chunk.malformed) == MAX_LINES or table.bytes - begun >= MAX_CHUNK_BYTES:
            yield chunk
            chunk, begun = Chunk(), table.bytes
    if chunk.lines or chunk.malformed:
        yield chunk


async def take(table: Table, send: Send, done: Done) -> None:
    """Sends everything. The first call that fails for good ends it; what was told as done is done."""
    under_way: deque[tuple[Chunk, asyncio.Task[ImportReport]]] = deque()
    try:
        for chunk in chunks(table):
            under_way.append((chunk, asyncio.create_task(_report(chunk, send))))
            if len(under_way) == CALLS_AT_ONCE:
                await _first(under_way, done)
        while under_way:
            await _first(under_way, done)
    finally:
        for _, task in under_way:
            task.cancel()
        await asyncio.gather(*(task for _, task in under_way), return_exceptions=True)


async def _report(chunk: Chunk, send: Send) -> ImportReport:
    return await send(chunk.lines) if chunk.lines else ImportReport(created=0, known=0, rejected=[])


async def _first(under_way: deque[tuple[Chunk, asyncio.Task[ImportReport]]], done: Done) -> None:
    """Waits for the oldest call. It stays in the queue until it has ended, so that whoever stops us finds it."""
    chunk, task = under_way[0]
    report = await task
    under_way.popleft()
    done(chunk, report)
