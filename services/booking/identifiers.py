"""The one codec for what identifies a patient: nothing else reads or writes those columns, and a blind index alone finds them.

Used by `patients/sealing.py` and `appointments/notes.py`. The security work puts the encryption into `seal` and `open`; their
callers stay as they are.
"""

import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Cell:
    """The cell of a table that a value is sealed for: once it is encrypted, it opens in no other."""

    clinic_id: UUID
    column: str
    row_id: UUID


class Codec:
    """Seals and opens identifying values, and computes the index by which equal ones are found."""

    def __init__(self, index_key: bytes) -> None:
        self._index_key = index_key

    def seal(self, cell: Cell, value: str) -> bytes:
        """The value as it is stored: for now its UTF-8 bytes."""
        return value.encode()

    def open(self, cell: Cell, sealed: bytes) -> str:
        """The value that was sealed for this cell."""
        return sealed.decode()

    def blind_index(self, clinic_id: UUID, column: str, value: str) -> bytes:
        """Equal for equal values of one clinic's column, and of no use without the key."""
        return hmac.new(self._index_key, f"{clinic_id}\x1f{column}\x1f{value}".encode(), hashlib.sha256).digest()
