"""Invariant 1: slots and live appointments agree, one to one."""

from collections import Counter
from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.report import Finding, Violation
from tests.checker.sql import Row

TITLE = "a slot has one live appointment, a live appointment has its slot"
SAME = ("clinic_id", "doctor_id", "date", "reservation_id")
"""What a slot and the appointment that holds it have in common, beside each other's id."""
MAX_DAILY_SLOTS = 10


def agree(seen: Evidence) -> Finding:
    """No slot has two live appointments, none lacks its slot, no day has more slots than it may, and states agree."""
    slots = {row["id"]: row for row in seen.rows("slots")}
    violations = [*_shared(seen), *_unfounded(seen, slots), *_held_for_nobody(seen, slots), *_crowded(slots)]
    return Finding(1, TITLE, {"slots": len(slots), "live appointments": len(seen.live)}, violations)


def _shared(seen: Evidence) -> Iterator[Violation]:
    holders = Counter(row["slot_id"] for row in seen.live)
    for slot, count in holders.items():
        if count > 1:
            yield Violation("a slot has several live appointments", (slot, *_ids_at(seen, slot)))


def _ids_at(seen: Evidence, slot: str) -> list[str]:
    return [row["id"] for row in seen.live if row["slot_id"] == slot]


def _unfounded(seen: Evidence, slots: dict[str, Row]) -> Iterator[Violation]:
    for one in seen.live:
        slot = slots.get(one["slot_id"])
        if slot is None:
            yield Violation("a live appointment has no slot", (one["id"], one["slot_id"]))
        elif slot["state"] != "taken" or slot["appointment_id"] != one["id"] or any(slot[name] != one[name] for name in SAME):
            yield Violation("a live appointment does not hold its slot", (one["id"], one["slot_id"]))
        elif slot["number"] != one["slot_number"]:
            yield Violation("slot and appointment have different numbers", (one["id"], one["slot_id"]))


def _held_for_nobody(seen: Evidence, slots: dict[str, Row]) -> Iterator[Violation]:
    live = {row["id"] for row in seen.live}
    for slot in slots.values():
        if slot["state"] == "taken" and slot["appointment_id"] not in live:
            yield Violation("a taken slot has no live appointment", (slot["id"], slot["appointment_id"]))


def _crowded(slots: dict[str, Row]) -> Iterator[Violation]:
    daily = [slot for slot in slots.values() if slot["starts_at"] is None]
    for (doctor, date), count in Counter((slot["doctor_id"], slot["date"]) for slot in daily).items():
        if count > MAX_DAILY_SLOTS:
            yield Violation(f"a day has {count} slots", (doctor, str(date)))
