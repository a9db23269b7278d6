"""Invariant 13, of appointments: their history, which is the audit trail, says each change once and nothing else."""

from collections import Counter
from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.report import Finding, Violation

TITLE = "the history of an appointment is its changes"
TOLD_AS = {
    "AppointmentConfirmed": "appointment_confirmed",
    "AppointmentExpired": "appointment_expired",
    "AppointmentMoved": "appointment_moved",
    "AppointmentCancelled": "appointment_cancelled",
    "PatientCheckedIn": "appointment_checked_in",
    "AppointmentReassigned": "appointment_reassigned",
}
"""What each event is called in the history; how an appointment began depends on whether it was held."""
HELD, BOOKED = "appointment_held", "appointment_booked"
Told = tuple[str, str, int]


def complete(seen: Evidence) -> Finding:
    """Audit rows and events of appointments are the same: of each version one, under the same name."""
    rows: Counter[Told] = Counter((row["appointment_id"], row["action"], row["version"]) for row in seen.rows("changes"))
    events: Counter[Told] = Counter(_events(seen))
    counts = {"changes": rows.total(), **Counter(action for _, action, _ in rows)}
    return Finding(13, TITLE, counts, list(_differing(rows, events)))


def _events(seen: Evidence) -> Iterator[Told]:
    for one in seen.events("AppointmentBooked", *TOLD_AS):
        began = HELD if one.fields.get("status") == "pending" else BOOKED
        yield str(one.fields.get("appointment_id")), TOLD_AS.get(one.type, began), one.fields["version"]


def _differing(rows: Counter[Told], events: Counter[Told]) -> Iterator[Violation]:
    for one in sorted(rows.keys() | events.keys(), key=str):
        if rows[one] != events[one]:
            id_, action, version = one
            yield Violation(f"{action} of version {version}: {rows[one]} in the history, {events[one]} in the log", (id_,))
