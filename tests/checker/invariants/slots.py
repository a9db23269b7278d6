"""Invariant 1: slots and live appointments agree, one to one, and no day has more slots than it was given."""

from collections import Counter
from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.report import Finding, Violation
from tests.checker.sql import Row

TITLE = "a slot has one live appointment, a live appointment has its slot"
SAME = ("clinic_id", "doctor_id", "date", "reservation_id", "location_id", "starts_at", "ends_at")
"""What a slot and the appointment that holds it have in common, beside each other's id."""
DAILY = "daily"


def agree(seen: Evidence) -> Finding:
    """No slot has two live appointments, none lacks its slot, days have the slots that they were given, and states agree."""
    slots = {row["id"]: row for row in seen.rows("slots")}
    violations = [
        *_shared(seen),
        *_unfounded(seen, slots),
        *_held_for_nobody(seen, slots),
        *_crowded(seen, slots),
        *_misplaced(seen, slots),
        *_closed(seen, slots),
    ]
    counts = {
        "slots": len(slots),
        "timed": sum(row["starts_at"] is not None for row in slots.values()),
        "unpublished": sum(not row["published"] for row in slots.values()),
        "live appointments": len(seen.live),
    }
    return Finding(1, TITLE, counts, violations)


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
    live = {row["id"]: row["reservation_id"] for row in seen.live}
    for slot in slots.values():
        if slot["state"] == "taken" and slot["appointment_id"] not in live:
            yield Violation("a taken slot has no live appointment", (slot["id"], slot["appointment_id"]))
        elif slot["state"] == "taken" and slot["reservation_id"] != live[slot["appointment_id"]]:
            yield Violation("a slot is taken for an appointment that has another", (slot["id"], slot["appointment_id"]))
        if slot["state"] == "free" and not slot["published"]:
            yield Violation("a free slot is left that nobody can take", (slot["id"],))


def _crowded(seen: Evidence, slots: dict[str, Row]) -> Iterator[Violation]:
    """A daily day that can be booked has as many slots as its last change of capacity says."""
    active = {row["id"] for row in seen.rows("doctors") if row["status"] == "active"}
    given = {_day(row): row["capacity"] for row in seen.rows("day_sets")}
    found = Counter(_day(slot) for slot in slots.values())
    for day in seen.rows("days"):
        count = found[_day(day)]
        open_ = day["mode"] == DAILY and day["available"] and day["doctor_id"] in active
        if open_ and count != given.get(_day(day)):
            yield Violation(f"a day has {count} slots, it was given {given.get(_day(day))}", (day["doctor_id"], str(day["date"])))


def _misplaced(seen: Evidence, slots: dict[str, Row]) -> Iterator[Violation]:
    """A daily day has no times, a timed one nothing without."""
    modes = {_day(day): day["mode"] for day in seen.rows("days")}
    for slot in slots.values():
        if (slot["starts_at"] is None) != (modes.get(_day(slot)) == DAILY):
            yield Violation(f"a slot of another mode than its day's {modes.get(_day(slot))}", (slot["id"],))


def _closed(seen: Evidence, slots: dict[str, Row]) -> Iterator[Violation]:
    """What a closed date had ahead when it was closed is gone, or taken and no more published."""
    closed = [row for row in seen.rows("exceptions") if row["kind"] == "closed"]
    for slot in slots.values():
        if slot["starts_at"] is not None and slot["published"] and any(_closes(one, slot) for one in closed):
            yield Violation("a slot is published on a closed date", (slot["id"], str(slot["date"])))


def _closes(exception: Row, slot: Row) -> bool:
    dates: bool = exception["from_date"] <= slot["date"] <= exception["to_date"]
    return exception["doctor_id"] == slot["doctor_id"] and dates and bool(slot["starts_at"] > exception["created_at"])


def _day(row: Row) -> tuple[str, str, object]:
    return row["clinic_id"], row["doctor_id"], row["date"]
