"""`frontdesk import` against the running services: each line once, each bad one with its reason, and again without an effect.

A fiftieth of what `make import-full` does: 100,000 lines (`IMPORT_LINES`), and there the memory of both ends is judged, too.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deploy.embedded.backend import Backend
from deploy.embedded.services import Services
from tests.e2e.cli import Cli
from tests.support.clinic import Clinic
from tests.support.people import BROKEN, write

FULL = 100_000
LINES = int(os.environ.get("IMPORT_LINES", FULL // 50))
SOME = LINES // 10
MOST_TIMES = 1.2
"""So much more memory may the tenfold take."""
SECONDS = 600
ROOT = Path(__file__).parents[2]
MEASURED = (
    "import atexit, pathlib, sys; atexit.register(lambda: sys.stderr.write(pathlib.Path('/proc/self/status').read_text()));"
    "from deploy.cli import main; main()"
)
"""`frontdesk`, telling how much it took when it ends."""


@dataclass(frozen=True)
class Ran:
    """What became of an import that ran as a process of its own."""

    code: int
    value: dict[str, Any]
    peak_kib: int

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.value["created"], self.value["known"], self.value["rejected"]


Import = Callable[..., Ran]


@pytest.fixture
def imported(cli: Cli) -> Import:
    """Runs `frontdesk import`, and measures what it took at its fullest."""

    def run(*arguments: str) -> Ran:
        command = [sys.executable, "-c", MEASURED, "import", *arguments, "--json"]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | cli.environment, capture_output=True, text=True, check=False)
        return Ran(done.returncode, json.loads(done.stdout), peak_kib(done.stderr))

    return run


COUNTED = """
SELECT (SELECT count(*) FROM patients), (SELECT coalesce(extract(epoch FROM max(updated_at)), 0) FROM patients),
    (SELECT count(*) FROM audit)
"""


async def counted(cli: Cli) -> list[int]:
    """Patients, the newest change of one, and effects of which there is a record."""
    (row,) = (await cli.json("psql", "booking", "-c", COUNTED, "--json"))["rows"]
    return [int(float(cell)) for cell in row]


def peak_kib(status: str) -> int:
    """The most that a process had in memory so far. What `getrusage` says counts who started it, too."""
    return int(status.partition("VmHWM:")[2].split()[0])


def peak_of(stack: Services, service: str) -> int:
    """That of a service."""
    identity = stack[service].process.id
    assert identity is not None
    return peak_kib(Path(f"/proc/{identity.pid}/status").read_text())


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 4)
async def test_each_line_has_its_effect_once(
    imported: Import, cli: Cli, stack: Services, servers: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    smaller, file, report = tmp_path / "some.csv", tmp_path / "people.csv", tmp_path / "rejected.csv"
    some_bad, bad = write(smaller, SOME, uuid4().int), write(file, LINES, uuid4().int)
    some = imported("patients", str(smaller))
    assert (some.code, some.counts) == (1, (SOME - len(some_bad), 0, len(some_bad)))
    before, booking_some = await counted(cli), peak_of(stack, "booking")

    first = imported("patients", str(file), "--report", str(report))
    assert (first.code, first.counts) == (1, (LINES - len(bad), 0, len(bad)))
    with report.open(newline="") as rows:
        told = {int(row["line"]): row for row in csv.DictReader(rows)}
    assert told.keys() == bad.keys() and all(row["reason"] for row in told.values())
    after, booking_all = await counted(cli), peak_of(stack, "booking")
    assert after[0] - before[0] == LINES - len(bad) == after[2] - before[2]

    again = imported("patients", str(file))
    assert (again.code, again.counts) == (1, (0, LINES - len(bad), len(bad)))
    assert await counted(cli) == after, "a second run changed something"

    with capsys.disabled():
        sys.stdout.write(
            f"\nimport of {LINES:,} lines: {first.value['seconds']} s, and {again.value['seconds']} s again; peak memory\n"
            f"  of the command {some.peak_kib:,} KiB for {SOME:,} lines, {first.peak_kib:,} KiB for all\n"
            f"  of booking {booking_some:,} KiB after {SOME:,} lines, {booking_all:,} KiB after all\n"
        )
    if LINES >= FULL:
        assert first.peak_kib <= MOST_TIMES * some.peak_kib and booking_all <= MOST_TIMES * booking_some


async def test_a_reason_fits_what_is_bad(cli: Cli, tmp_path: Path) -> None:
    """Each kind of bad line, by the field that its reason names and a word of it."""
    file, report = tmp_path / "people.csv", tmp_path / "rejected.csv"
    bad = write(file, 100 * len(BROKEN), uuid4().int)
    done = await cli.json("import", "patients", str(file), "--report", str(report), "--json", code=1)
    with report.open(newline="") as rows:
        told = {bad[int(row["line"])]: (row["field"], row["reason"]) for row in csv.DictReader(rows)}
    assert {kind: field for kind, (field, _) in told.items()} == {
        "phone": "phone", "no phone": "phone", "no name": "name", "nhs_number": "nhs_number", "date_of_birth": "date_of_birth",
        "no date": "date_of_birth", "postcode": "postcode", "email": "email", "family": "phone",
        "too many fields": "", "no text": "", "NUL": "", "open quote": "",
    }  # fmt: skip
    assert done["rejected"] == len(BROKEN)


async def test_a_dry_run_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    bad = write(file, 200, uuid4().int)
    before = await counted(cli)
    done = await cli.json("import", "patients", str(file), "--dry-run", "--json", code=1)
    assert (done["created"], done["known"], done["rejected"]) == (200 - len(bad), 0, len(bad))
    assert await counted(cli) == before


async def test_families_share_a_phone_if_told_so(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "family.csv"
    file.write_text(f"name,phone\nMaya Lind,+4479{uuid4().int % 10**8:08d}\n")
    assert (await cli.json("import", "patients", str(file), "--json"))["created"] == 1
    with file.open("a") as more:
        more.write(f"Tom Lind,{file.read_text().splitlines()[1].split(',')[1]}\n")
    assert (await cli.json("import", "patients", str(file), "--json", code=1))["rejected"] == 1
    done = await cli.json("import", "patients", str(file), "--on-duplicate", "create", "--json")
    assert (done["created"], done["known"]) == (1, 1)


async def test_doctors_are_imported_with_what_the_directory_knows_of_them(cli: Cli, clinic: Clinic, tmp_path: Path) -> None:
    file, name = tmp_path / "doctors.csv", uuid4().hex[:12]
    assert (await clinic.post("/categories", {"name": f"Dermatology {name}"})).status_code == 201
    file.write_text(
        "name,code,category,languages,location,address,time_zone\n"
        f'Dr Ada {name},,Dermatology {name},en;fr,Main,"1 High Street, Leeds",Europe/London\n'
        f"Dr Bad {name},,No such category {name},,,,\n"
        f"Dr Bob {name},bob-{name},,,,,Mars/Olympus\n"
    )
    for created, known in ((1, 0), (0, 1)):
        done = await cli.json("import", "doctors", str(file), "--json", code=1)
        assert (done["created"], done["known"]) == (created, known)
        assert [(line["line"], line["field"]) for line in done["rejected_lines"]] == [(3, "category"), (4, "time_zone")]
    (ada,) = (await clinic.get("/doctors", q=name)).json()["items"]
    assert (ada["category"]["name"], ada["languages"]) == (f"Dermatology {name}", ["en", "fr"])
    (main,) = ada["locations"]
    assert (main["address"], main["time_zone"]) == ("1 High Street, Leeds", "Europe/London")
