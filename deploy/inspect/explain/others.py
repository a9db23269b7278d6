"""What became of appointments, in sentences: moved, expired, cancelled by the clinic, or another patient's by a merge.

Pure. That a doctor or patient was deleted or merged is told by its step; only what appointments suffer from it needs a reason.
"""

from collections.abc import Iterator
from typing import Any

from deploy.inspect.explain.evidence import Evidence, Row
from deploy.inspect.explain.story import iso
from shared.infra.audit import Action


def sentences(evidence: Evidence) -> list[str]:
    """A sentence for each appointment that ended or changed hands, in order of time."""
    done = {(row["action"], _appointment(row)): row for row in evidence.audit}
    told = [line for row in sorted(evidence.audit, key=lambda row: row["at"]) for line in _of(row, done)]
    return list(dict.fromkeys(told))


def _of(row: Row, done: dict[tuple[str, str], Row]) -> Iterator[str]:
    id_, at = _appointment(row), iso(row["at"])
    revoked = (Action.SLOT_REVOKED, id_) in done
    if row["action"] == Action.APPOINTMENT_CANCELLED and row["command_id"] is None:
        gone = "doctor was deleted, and its slot revoked" if revoked else "patient was deleted"
        yield f"Appointment {id_} was cancelled by the clinic at {at}: its {gone}."
    elif row["action"] == Action.APPOINTMENT_EXPIRED:
        yield f"Appointment {id_} expired at {at}: it was held, and nobody confirmed it in time. Its place was given back."
    elif row["action"] == Action.APPOINTMENT_MOVED:
        yield f"Appointment {id_} was moved at {at}, {_way(row['detail'])}."
    elif row["action"] == Action.APPOINTMENT_REASSIGNED:
        yield f"Appointment {id_} is patient {row['detail']['patient_id']}'s since {at}: two patients were merged."
    elif row["action"] == Action.SLOT_REVOKED and (Action.APPOINTMENT_CANCELLED, id_) not in done:
        yield f"Appointment {id_} was to be cancelled at {at}, and is not: it ended before, is checked in, or booking is behind."


def _way(detail: dict[str, Any]) -> str:
    """From where to where."""
    place = f"number {detail['slot_number']} of {detail['date']} with doctor {detail['doctor_id']}"
    return f"from {detail['from_date']} with doctor {detail['from_doctor_id']} to {place}"


def _appointment(row: Row) -> str:
    """The appointment that an effect is about; its own effects name it as their subject."""
    return str((row["detail"] or {}).get("appointment_id", row["subject_id"]))
