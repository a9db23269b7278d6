"""Reads the lines of a file as text, one at a time, and can go back: what is broken in a line costs that line only.

Called by `csv_table`. Raises `UnreadableLine` for a line that cannot be part of any record; the next call goes on behind it.
"""

from codecs import BOM_UTF8
from collections import deque
from typing import BinaryIO

MAX_LINE_BYTES = 32 * 1024
MAX_RECORD_LINES = 20
"""An address may have line breaks; a quotation mark that is never closed would go on to the end of the file."""


class UnreadableLine(Exception):
    """Why a line cannot be one of a CSV file, in words."""


class LineReader:
    """An iterator for `csv.reader`. `taken` are the lines of the record that is being read, `bytes` is how much is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._again: deque[bytes] = deque()
        self.taken: list[bytes] = []
        self.lines = 0
        self.bytes = 0

    def __iter__(self) -> "LineReader":
        return self

    def __next__(self) -> str:
        raw = self._again.popleft() if self._again else self._read()
        if not raw:
            raise StopIteration
        self.taken.append(raw)
        self.lines += 1
        self.bytes += len(raw)
        return self._text_of(raw.removeprefix(BOM_UTF8) if self.lines == 1 else raw)

    def peek(self) -> bytes:
        """The next line, which is still to be read then."""
        if not self._again:
            self._again.append(self._read())
        return self._again[0]

    def back_to_second(self) -> None:
        """Read the lines of this record once more, but for its first one: each begins a record of its own."""
        rest = self.taken[1:]
        self._again.extendleft(reversed(rest))
        self.lines -= len(rest)
        self.bytes -= sum(map(len, rest))

    def _text_of(self, raw: bytes) -> str:
        if len(raw) > MAX_LINE_BYTES:
            raise UnreadableLine(f"is longer than {MAX_LINE_BYTES:,} bytes")
        if len(self.taken) > MAX_RECORD_LINES:
            raise UnreadableLine("opens a quotation mark that is not closed")
        if b"\0" in raw:
            raise UnreadableLine("must not contain a NUL character")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise UnreadableLine("is not UTF-8") from None

    def _read(self) -> bytes:
        """The next line. Of one that is too long only the beginning is kept."""
        raw = rest = self._file.readline(MAX_LINE_BYTES + 1)
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = self._file.readline(MAX_LINE_BYTES + 1)
            self.bytes += len(rest)
        return raw
