"""The records of a CSV file (RFC 4180, UTF-8) with the numbers of their lines, and the columns that its header names.

Its separator is the one that is given, that a line `sep=;` names, or by which the header names most columns.

A line that is no record becomes a `RejectedLine` with its number and a reason, and reading goes on behind it.
Called by `transfer`.
"""

import csv
from collections.abc import Iterator
from typing import BinaryIO

from deploy.failure import Misused
from deploy.importing import dialect
from deploy.importing.file_kinds import ImportKind
from deploy.importing.line_reader import LineReader, UnreadableLine
from shared.contracts.imports import ImportLine, RejectedLine

NOT_CLOSED = "unexpected end of data"
"""The message of `csv` for a quotation mark that is open at the end of the file."""


class CsvTable:
    """A file with a header. Making it reads the header and raises `Misused` if it is not one of this kind."""

    def __init__(self, file: BinaryIO, kind: ImportKind, separator: str | None = None) -> None:
        self._input = LineReader(file)
        dialect.refuse_other_kinds(self._input.peek())
        if said := dialect.separator_said(self._input.peek()):
            next(self._input)
            self._input.taken.clear()
        header = self._input.peek().decode(errors="replace")
        separator = separator or said or dialect.separator_of(header, kind.columns)
        self._reader = csv.reader(self._input, delimiter=separator, strict=True)
        self.columns = self._header(kind)

    @property
    def bytes(self) -> int:
        """How much of the file is read."""
        return self._input.bytes

    def __iter__(self) -> Iterator[ImportLine | RejectedLine]:
        while True:
            self._input.taken.clear()
            number = self._input.lines + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except (UnreadableLine, csv.Error) as error:
                self._input.back_to_second()
                yield RejectedLine(line=number, reason=_reason(error))
                continue
            if cells:  # an empty line is no record
                yield self._line(number, cells)

    def _line(self, number: int, cells: list[str]) -> ImportLine | RejectedLine:
        if any(cells[len(self.columns) :]) or (len(cells) < len(self.columns) and len(self._input.taken) > 1):
            self._input.back_to_second()  # a quotation mark may have been closed by that of a later line
            return RejectedLine(line=number, reason=f"has {len(cells)} fields, the header names {len(self.columns)} columns")
        # Programs leave out the last cells of a row, or write more of them, if these are empty.
        fields = {name: cell for name, cell in zip(self.columns, cells, strict=False) if cell}
        return ImportLine(line=number, fields=fields)

    def _header(self, kind: ImportKind) -> list[str]:
        try:
            names = [dialect.column_name(cell) for cell in next(self._reader, [])]
        except (UnreadableLine, csv.Error) as error:
            raise Misused(f"the first line names the columns, and {_reason(error)}: {dialect.SAVE_AS}") from None
        while names and not names[-1]:
            names.pop()
        _check(names, kind)
        return names


def _reason(error: UnreadableLine | csv.Error) -> str:
    if isinstance(error, UnreadableLine):
        return str(error)
    if str(error) == NOT_CLOSED:
        return "opens a quotation mark that is not closed"
    return "is no CSV: a quotation mark or a line break stands where none may"


def _check(names: list[str], kind: ImportKind) -> None:
    """Raises `Misused`, naming the columns that this kind of file does not have, has twice or lacks."""
    if unknown := [name or "one without a name" for name in names if name not in kind.columns]:
        raise Misused(f"unknown column: {', '.join(unknown)}\n  {kind.name} have: {', '.join(kind.columns)}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Misused(f"column named twice: {', '.join(twice)}")
    if not any(set(some) <= set(names) for some in kind.needed):
        ways = ", or ".join(" and ".join(name for name in some) for some in kind.needed)
        raise Misused(f"a column is missing: {kind.name} need {ways}\n  the first line of the file has to name the columns")
