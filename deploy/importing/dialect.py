"""What kind of file this is, told by its first line: the separator of its fields, or that it is no CSV in UTF-8 at all.

Called by `csv_table`.
"""

import csv
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Collection

from deploy.failure import Misused

SEPARATORS = (",", ";", "\t", "|")
_NAMED = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t"}
SAVE_AS = "save it as “CSV UTF-8” (of Excel) or as CSV with the encoding UTF-8"
_KINDS = {
    b"PK\x03\x04": "a workbook (.xlsx, .ods) or another archive",
    b"\xd0\xcf\x11\xe0": "a workbook of old (.xls)",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed (gzip)",
    BOM_UTF16_LE: "UTF-16",
    BOM_UTF16_BE: "UTF-16",
}
"""What files of other kinds begin with."""


def refuse_other_kinds(first_line: bytes) -> None:
    """Raises `Misused`, with what to do, for a file whose first line is that of another kind or in another encoding."""
    kind = next((kind for begin, kind in _KINDS.items() if first_line.startswith(begin)), None)
    if kind is None and first_line[1:2] == b"\0" != first_line[:1]:
        kind = "UTF-16"
    if kind is not None:
        raise Misused(f"the file is {kind}, not CSV in UTF-8: {SAVE_AS}")


def separator_named(name: str) -> str:
    """The separator that a person names: one character, or `tab`. Raises `Misused` for what cannot be one."""
    separator = _NAMED.get(name, name)
    if len(separator) != 1 or separator.isalnum() or separator in '"\r\n_ ':
        raise Misused(f"--delimiter is one character, or comma, semicolon or tab, and not {name!r}")
    return separator


def separator_said(first_line: bytes) -> str | None:
    """The separator that the line `sep=;` of a spreadsheet names, if this is such a line."""
    said = re.fullmatch(rb'"?sep=([^\r\n"\x80-\xff])"?\r?\n?', first_line.removeprefix(BOM_UTF8), re.IGNORECASE)
    return said.group(1).decode() if said else None


def separator_of(header: str, columns: Collection[str]) -> str:
    """The separator by which the header names most of the columns; a comma if none does better."""

    def named(separator: str) -> int:
        names = next(csv.reader([header], delimiter=separator), [])
        return sum(column_name(name) in columns for name in names)

    return max(SEPARATORS, key=named)


def column_name(cell: str) -> str:
    """The column that a cell of the header names, in whatever case."""
    return cell.strip().lower()
