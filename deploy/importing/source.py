"""The lines of a file as text, one at a time and with a way back, so that what is broken in one costs that one only.

Called by `table`. Raises `Malformed` for a line that cannot be part of any record; the next call goes on behind it.
"""

from codecs import BOM_UTF8
from collections import deque
from typing import BinaryIO

MAX_LINE_BYTES = 32 * 1024
MAX_RECORD_LINES = 20
"""An address may have line breaks; a quotation mark that is never closed would go on to the end of the file."""


class Malformed(Exception):
    """Why a line is none of a CSV file, in words."""


class Source:
    """An iterator for `csv.reader`. `taken` are the lines of the record that is being read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._again: deque[bytes] = deque()
        self.taken: list[bytes] = []
        self.lines = 0
        self.bytes = 0

    def __iter__(self) -> "Source":
        return self

    def __next__(self) -> str:
        raw = self._again.popleft() if self._again else self._read()
        if not raw:
            raise StopIteration
        self.taken.append(raw)
        self.lines += 1
        self.bytes += len(raw)
        return self._judged(raw.removeprefix(BOM_UTF8) if self.lines == 1 else raw)

    def back_to_second(self) -> None:
        """The lines behind the first of this record once more, as records of their own."""
        rest = self.taken[1:]
        self._again.extendleft(reversed(rest))
        self.lines -= len(rest)
        self.bytes -= sum(map(len, rest))

    def _judged(self, raw: bytes) -> str:
        if len(raw) > MAX_LINE_BYTES:
            raise Malformed(f"is longer than {MAX_LINE_BYTES:,} bytes")
        if len(self.taken) > MAX_RECORD_LINES:
            raise Malformed("opens a quotation mark that is not closed")
        if b"\0" in raw:
            raise Malformed("must not contain a NUL character")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise Malformed("is not UTF-8") from None

    def _read(self) -> bytes:
        """The next line. Of one that is too long the beginning is kept, and the rest is passed over."""
        raw = rest = self._file.readline(MAX_LINE_BYTES + 1)
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = self._file.readline(MAX_LINE_BYTES + 1)
            self.bytes += len(rest)
        return raw
