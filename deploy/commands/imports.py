"""`frontdesk import patients|doctors FILE.csv`: what a clinic brings along. Can be run again: what is there stays as it is."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from deploy.commands.addresses import ADDRESSES
from deploy.commands.output import out
from deploy.exit_codes import FAILED, OK
from deploy.failure import Failure, Misused
from deploy.importing import progress, transfer
from deploy.importing.client import connected
from deploy.importing.csv_table import CsvTable
from deploy.importing.dialect import separator_named
from deploy.importing.file_kinds import KINDS
from deploy.importing.progress import ShowProgress
from deploy.importing.rejections import FIRST, Rejections, rejections
from deploy.importing.transfer import Chunk, Tally
from shared.contracts.imports import ImportReport

STDIN = "-"
REJECT = "reject"
"""What an owner does with duplicates without being told."""


def patients(name: str, delimiter: str | None, dry_run: bool, on_duplicate: str, report: str | None, as_json: bool) -> int:
    """Patients, to booking."""
    params = {"on_duplicate": on_duplicate} if on_duplicate != REJECT else {}
    return _imported("patients", name, delimiter, params, dry_run, report, as_json)


def doctors(name: str, delimiter: str | None, dry_run: bool, report: str | None, as_json: bool) -> int:
    """Doctors, to availability."""
    return _imported("doctors", name, delimiter, {}, dry_run, report, as_json)


def _imported(
    kind: str, name: str, delimiter: str | None, params: dict[str, str], dry_run: bool, report: str | None, as_json: bool
) -> int:
    """One file; 1 if some of its lines were rejected."""
    path = Path(report) if report else None
    if path and name != STDIN and path.resolve() == Path(name).resolve():
        raise Misused("the report would take the place of the file")
    separator = None if delimiter is None else separator_named(delimiter)
    tally, began = Tally(), time.monotonic()
    with _file(name) as (file, size):
        table = CsvTable(file, KINDS[kind], separator)
        with rejections(path) as rejected, _saying_how_far(tally), progress.shown(kind, size) as show:
            asyncio.run(_transfer(table, kind, {**params, "dry_run": str(dry_run).lower()}, tally, rejected, show))
    value = {
        "kind": kind, "file": name, "dry_run": dry_run, "lines": tally.lines, "created": tally.created, "known": tally.known,
        "rejected": tally.rejected, "rejected_lines": [line.model_dump() for line in rejected.first], "report": report,
        "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip
    out(value, as_json, _lines(value))
    return FAILED if tally.rejected else OK


async def _transfer(
    table: CsvTable, kind: str, params: dict[str, str], tally: Tally, rejected: Rejections, show: ShowProgress
) -> None:
    def on_done(chunk: Chunk, report: ImportReport) -> None:
        rejected.add(tally.add(chunk, report))
        show(tally)

    async with connected(ADDRESSES, KINDS[kind], params) as owner:
        await transfer.transfer(table, owner.send, on_done)


@contextlib.contextmanager
def _file(name: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """The file and its size, which is not known of what comes through a pipe."""
    if name == STDIN:
        yield sys.stdin.buffer, None
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  # closed below; only opening may fail in this way
    except OSError as error:
        raise Misused(f"{name} cannot be read: {error.strerror}") from error
    with file:
        yield file, Path(name).stat().st_size


@contextlib.contextmanager
def _saying_how_far(tally: Tally) -> Iterator[None]:
    """Say how far it came if it fails or is interrupted."""
    try:
        yield
    except (Failure, KeyboardInterrupt):
        done = f"everything up to line {tally.last_line:,} is done" if tally.last_line else "nothing is known to be done"
        sys.stderr.write(f"stopped: {done}; the same command again takes the rest\n")
        raise


def _lines(value: dict[str, Any]) -> Iterator[str]:
    yield f"{value['lines']:,} lines in {value['seconds']} s{', a dry run: nothing was changed' if value['dry_run'] else ''}"
    yield from (f"  {name:<9}{value[name]:>9,}" for name in ("created", "known", "rejected"))
    for line in value["rejected_lines"]:
        yield f"  line {line['line']:,}: {' '.join(filter(None, (line['field'], line['reason'])))}"
    if value["rejected"] > FIRST:
        rest = f"  and {value['rejected'] - FIRST:,} more"
        yield f"{rest}: see {value['report']}" if value["report"] else f"{rest}; --report FILE writes all of them"
