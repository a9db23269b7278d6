"""Releases that nobody made: the present code with a few lines changed. Called by `test_misfits.py`."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.faults.mutants.patching import changed
from tests.upgrade.releases import ROOT, Release


class Patch(NamedTuple):
    """One place of the code, which must be there once."""

    file: str
    old: str
    new: str


def patched(version: str, folder: Path, patches: Iterable[Patch]) -> Release:
    """The present code with these changes, in a folder of its own; its packages are the present ones."""
    for part in ("services", "shared"):
        shutil.copytree(ROOT / part, folder / part)
    for patch in patches:
        file = folder / patch.file
        file.write_text(changed(file.read_text(encoding="utf-8"), patch.old, patch.new), encoding="utf-8")
    return Release(version, folder, Path(sys.executable), {"FRONTDESK_DRAIN_SECONDS": "0"})


_OF_AVAILABILITY = "shared/contracts/availability.py"
_OF_BOOKING = "shared/contracts/booking.py"
_TOPICS = "shared/contracts/topics.py"
_SAID_BY_AVAILABILITY = "services/availability/service/slots/events.py"
_SAID_BY_BOOKING = "services/booking/service/appointments/events.py"
_NEW_TYPE = """class SlotTakenBack(SlotRevoked):
    type: Literal["SlotTakenBack"] = "SlotTakenBack"


class DayView(Wire):"""

NEW_TYPE = [
    Patch(_OF_AVAILABILITY, "class DayView(Wire):", _NEW_TYPE),
    Patch(_TOPICS, "SlotReserved, SlotRevoked\n", "SlotReserved, SlotRevoked, SlotTakenBack\n"),
    Patch(_TOPICS, "(SlotReserved, SlotKept, ", "(SlotTakenBack, SlotReserved, SlotKept, "),
    Patch(_SAID_BY_AVAILABILITY, "SlotReserved, SlotRevoked\n", "SlotReserved, SlotRevoked, SlotTakenBack\n"),
    Patch(_SAID_BY_AVAILABILITY, "revoked = SlotRevoked(", "revoked = SlotTakenBack("),
]
"""Availability says of a deleted doctor's slot that it is taken back: by another type of message."""
NEW_FIELD = [
    Patch(_OF_BOOKING, "    answer: Answer | None = None\n", "    answer: Answer | None = None\n    released_at: datetime\n"),
    Patch(_SAID_BY_BOOKING, "**_reservation(held), answer=answer)", "**_reservation(held), answer=answer, released_at=unit.now)"),
]
"""Availability asks of each release when it was made, and booking says so."""
NEW_VALUE = [
    Patch(_OF_BOOKING, '    HOLD = "hold"\n', '    HOLD = "hold"\n    TENTATIVE = "tentative"\n'),
    Patch(_OF_BOOKING, "if self.confirm else Purpose.HOLD", "if self.confirm else Purpose.TENTATIVE"),
    Patch("services/booking/domain/appointments.py", "reserved.purpose is Purpose.HOLD", "reserved.purpose is Purpose.TENTATIVE"),
]
"""What is held is reserved for another purpose, by which booking decides."""
SKIPPING = [Patch("shared/infra/kafka/consumer.py", "read.later[partition_of(record)] = record", "pass")]
"""An event of a later release is passed by, as 0.1.0 did."""
