"""Invariant 16: nothing that was to come is left of who was deleted, and what a merged patient had is the survivor's.

What was over when somebody was deleted stays as history, and so does whoever had checked in by then at a doctor's.
"""

from collections import Counter
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from tests.checker.evidence import Evidence
from tests.checker.report import Finding, Violation
from tests.checker.sql import Row

TITLE = "nothing to come is left of who was deleted"
REVOCABLE = ("pending", "booked")


def nothing_left(seen: Evidence) -> Finding:
    """Nothing live is to come of a deleted patient, nothing at all of a merged one, no place of a deleted doctor."""
    patients = {row["id"]: row for row in seen.rows("patients") if row["status"] == "deleted"}
    doctors = {row["id"]: row for row in seen.rows("doctors") if row["status"] == "deleted"}
    counts = {
        "deleted patients": sum(row["merged_into"] is None for row in patients.values()),
        "merged patients": sum(row["merged_into"] is not None for row in patients.values()),
        "deleted doctors": len(doctors),
        "SlotRevoked": len(seen.events("SlotRevoked")),
    }
    violations = [
        *_of_patients(seen, patients),
        *_chains(seen, patients),
        *_of_doctors(seen, doctors),
        *_slots(seen, doctors),
        *_revoked(seen, doctors),
    ]
    return Finding(16, TITLE, counts, violations)


def _of_patients(seen: Evidence, deleted: dict[str, Row]) -> Iterator[Violation]:
    for one in seen.live:
        patient = deleted.get(one["patient_id"])
        if patient is None or _was_over(one, patient):
            continue
        if patient["merged_into"] is not None:
            yield Violation("a merged patient has a live appointment", (one["id"], patient["id"]))
        elif _to_come(one, patient):
            yield Violation("a deleted patient has a live appointment", (one["id"], patient["id"]))


def _chains(seen: Evidence, deleted: dict[str, Row]) -> Iterator[Violation]:
    """Whoever was merged names the one who is left in the end."""
    for id_, row in deleted.items():
        if seen.survivor(row["merged_into"]) != row["merged_into"]:
            yield Violation("a merged patient names one who was merged as well", (id_, row["merged_into"]))


def _of_doctors(seen: Evidence, deleted: dict[str, Row]) -> Iterator[Violation]:
    for one in seen.live:
        doctor = deleted.get(one["doctor_id"])
        if doctor and one["status"] in REVOCABLE and _to_come(one, doctor) and not _was_over(one, doctor):
            yield Violation("a deleted doctor has a live appointment", (one["id"], doctor["id"]))


def _slots(seen: Evidence, deleted: dict[str, Row]) -> Iterator[Violation]:
    zones = {(row["clinic_id"], row["doctor_id"], row["date"]): row["time_zone"] for row in seen.rows("days")}
    for slot in seen.rows("slots"):
        doctor = deleted.get(slot["doctor_id"])
        zone = slot["time_zone"] or zones[slot["clinic_id"], slot["doctor_id"], slot["date"]]
        if doctor and slot["published"] and _to_come({**slot, "time_zone": zone}, doctor):
            yield Violation("a deleted doctor has a slot that can be taken, now or when it is freed", (slot["id"], doctor["id"]))


def _revoked(seen: Evidence, deleted: dict[str, Row]) -> Iterator[Violation]:
    """A reservation is revoked once, by the delete of its doctor, and then holds nothing but who has checked in."""
    events = seen.events("SlotRevoked")
    for id_, count in Counter(str(one.fields.get("reservation_id")) for one in events).items():
        if count > 1:
            yield Violation(f"a reservation was revoked {count} times", (id_,))
    held = {row["reservation_id"]: row for row in seen.live if row["status"] in REVOCABLE}
    for one in events:
        reservation, doctor = str(one.fields.get("reservation_id")), str(one.fields.get("doctor_id"))
        if doctor not in deleted:
            yield Violation("a slot was revoked of a doctor in use", (reservation, doctor))
        if reservation in held:
            yield Violation("a revoked reservation has a live appointment", (reservation, held[reservation]["id"]))


def _to_come(one: Row, deleted: Row) -> bool:
    """Whether it lay ahead when somebody was deleted: a timed slot by its start, all else by the local date."""
    at = deleted["updated_at"]
    if "state" in one and one["starts_at"] is not None:
        return bool(one["starts_at"] > at)
    return bool(one["date"] >= at.astimezone(ZoneInfo(one["time_zone"])).date())


def _was_over(one: Row, deleted: Row) -> bool:
    """A hold whose time was over by then is dead already, whenever the sweep writes it down."""
    return one["status"] == "pending" and bool(one["expires_at"] <= deleted["updated_at"])
