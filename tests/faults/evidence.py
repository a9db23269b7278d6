"""What a fault test that failed leaves behind: its history, the logs of its system, and the one command that repeats it.

Histories are written to pytest's own folder, which later runs clear away; what failed is copied to `.failed-rounds` at once, in a
folder of the test's name, in which only its latest failure stays. Used by `tests/faults/conftest.py`.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.faults.load import FULL
from tests.faults.rounds import ROUNDS, SEED

ROOT = Path(__file__).parents[2]
FAILED = ROOT / ".failed-rounds"


@dataclass
class Evidence:
    """What there is to keep of a test: the folder of its `histories`, and the folder of its system's logs once there is one."""

    histories: Path
    logs: Path | None = None

    @property
    def history(self) -> Path:
        """The file of a client that has only one history."""
        return self.histories / "history.jsonl"

    def keep(self, test: str, folder: Path = FAILED) -> Path:
        """Copies it; gives the folder that it is in from now on. `test` is pytest's node id."""
        kept = folder / re.sub(r"[^\w.-]+", "-", test.removeprefix("tests/faults/")).strip("-")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.histories, kept / "histories")
        if self.logs:
            shutil.copytree(self.logs, kept / "logs")
        return kept


def repeated_by(test: str) -> str:
    """The command that plays the same again."""
    chosen = {"FAULT_SEED": SEED, "FAULT_ROUNDS": str(ROUNDS)} | ({"FAULT_LOAD": "full"} if FULL else {})
    return f"{' '.join(f'{name}={value}' for name, value in chosen.items())} .venv/bin/pytest '{test}'"
