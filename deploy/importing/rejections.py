"""Reports rejected lines: all of them in a CSV file, if there is to be one, and the first ones for a person."""

import contextlib
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.failure import Misused
from shared.contracts.imports import RejectedLine

FIRST = 20


class Rejections:
    """The rejected lines of an import, of which only the first are kept in memory: the file has them all."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self.first: list[RejectedLine] = []

    def add(self, rejected: list[RejectedLine]) -> None:
        """Add some more, in the order of the file."""
        self.first += rejected[: FIRST - len(self.first)]
        if self._rows is not None:
            self._rows.writerows((one.line, one.field, one.reason) for one in rejected)


@contextlib.contextmanager
def rejections(report: Path | None) -> Iterator[Rejections]:
    """Rejections that go to a file with a header, if there is to be one. It is open before the first line is sent."""
    if report is None:
        yield Rejections(None)
        return
    try:
        file = report.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise Misused(f"{report} cannot be written: {error.strerror}") from error
    with file:
        rows = csv.writer(file)
        rows.writerow(("line", "field", "reason"))
        yield Rejections(rows)
