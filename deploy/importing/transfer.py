"""Sends a table to its owner: chunks in the order of the file, a few calls at once, their reports passed on in the same order.

Memory is bounded by the calls under way. Called by `deploy.commands.imports`.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from deploy.importing.csv_table import CsvTable
from shared.contracts.imports import MAX_LINES, ImportLine, ImportReport, RejectedLine

CALLS_AT_ONCE = 3
MAX_CHUNK_BYTES = 128 * 1024
"""So many bytes of the file: with names of columns and escapes this stays below what an owner takes in one call."""


@dataclass
class Chunk:
    """Some lines for one call, those of the file that are unreadable, and where the file goes on."""

    lines: list[ImportLine] = field(default_factory=list)
    unreadable: list[RejectedLine] = field(default_factory=list)
    last_line: int = 0
    end_byte: int = 0

    def add(self, record: ImportLine | RejectedLine, end_byte: int) -> None:
        """Add a record, behind which the file goes on at this byte."""
        if isinstance(record, ImportLine):
            self.lines.append(record)
        else:
            self.unreadable.append(record)
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
        """Count a chunk that is done. Returns its rejected lines, in order."""
        rejected = sorted([*chunk.unreadable, *report.rejected], key=lambda line: line.line)
        self.created += report.created
        self.known += report.known
        self.rejected += len(rejected)
        self.last_line, self.read_bytes = chunk.last_line, chunk.end_byte
        return rejected


Send = Callable[[list[ImportLine]], Awaitable[ImportReport]]
OnChunkDone = Callable[[Chunk, ImportReport], None]


def chunks(table: CsvTable) -> Iterator[Chunk]:
    """The whole table, piece by piece."""
    chunk, begun = Chunk(), table.bytes
    for record in table:
        chunk.add(record, table.bytes)
        if len(chunk.lines) + len(chunk.unreadable) == MAX_LINES or table.bytes - begun >= MAX_CHUNK_BYTES:
            yield chunk
            chunk, begun = Chunk(), table.bytes
    if chunk.lines or chunk.unreadable:
        yield chunk


async def transfer(table: CsvTable, send: Send, on_done: OnChunkDone) -> None:
    """Send everything. The first call that fails for good ends it; what was passed to `on_done` is done."""
    under_way: deque[tuple[Chunk, asyncio.Task[ImportReport]]] = deque()
    try:
        for chunk in chunks(table):
            under_way.append((chunk, asyncio.create_task(_report(chunk, send))))
            if len(under_way) == CALLS_AT_ONCE:
                await _finish_oldest(under_way, on_done)
        while under_way:
            await _finish_oldest(under_way, on_done)
    finally:
        for _, task in under_way:
            task.cancel()
        await asyncio.gather(*(task for _, task in under_way), return_exceptions=True)


async def _report(chunk: Chunk, send: Send) -> ImportReport:
    return await send(chunk.lines) if chunk.lines else ImportReport(created=0, known=0, rejected=[])


async def _finish_oldest(under_way: deque[tuple[Chunk, asyncio.Task[ImportReport]]], on_done: OnChunkDone) -> None:
    """Wait for the oldest call. It stays in `under_way` until it has ended, so that it is cancelled if we are stopped."""
    chunk, task = under_way[0]
    report = await task
    under_way.popleft()
    on_done(chunk, report)
