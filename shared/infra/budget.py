"""How long a call may take, as its caller says. Made by `caller.py`, kept by the transaction of the call (`unit.py`)."""

import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Budget:
    """Ends at a moment of this machine's monotonic clock."""

    ends_at: float

    @classmethod
    def of(cls, milliseconds: int) -> Self:
        """So much from now on."""
        return cls(time.monotonic() + milliseconds / 1000)

    def left_ms(self) -> int:
        """What is left of it, at least 1 ms. Raises `TimeoutError` once it is over."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("nobody waits for this call any more")
        return max(1, round(left * 1000))
