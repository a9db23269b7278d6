"""What became of appointments, in sentences: moved, expired, cancelled by the clinic, or another patient's after a merge.

Pure. That a doctor or a patient was deleted or merged is a step of the timeline; what it did to appointments needs a reason.
"""

from collections.abc import Iterator, Set
from typing import Any

from deploy.inspect.explain.trace import CommandTrace, ServiceRow, iso
from shared.infra.audit import Action


def sentences(trace: CommandTrace) -> list[str]:
    """A sentence for each appointment that ended, was moved or became another patient's, in order of time."""
    effects = {(row["action"], _appointment(row)) for row in trace.audit}
    lines = [line for row in sorted(trace.audit, key=lambda row: row["at"]) for line in _of(row, effects)]
    return list(dict.fromkeys(lines))


def _of(row: ServiceRow, effects: Set[tuple[str, str]]) -> Iterator[str]:
    id_, at = _appointment(row), iso(row["at"])
    revoked = (Action.SLOT_REVOKED, id_) in effects
    if row["action"] == Action.APPOINTMENT_CANCELLED and row["command_id"] is None:
        gone = "doctor was deleted, and its slot revoked" if revoked else "patient was deleted"
        yield f"Appointment {id_} was cancelled by the clinic at {at}: its {gone}."
    elif row["action"] == Action.APPOINTMENT_EXPIRED:
        yield f"Appointment {id_} expired at {at}: it was held, and nobody confirmed it in time. Its place was given back."
    elif row["action"] == Action.APPOINTMENT_MOVED:
        yield f"Appointment {id_} was moved at {at}, {_from_to(row['detail'])}."
    elif row["action"] == Action.APPOINTMENT_REASSIGNED:
        yield f"Appointment {id_} is patient {row['detail']['patient_id']}'s since {at}: two patients were merged."
    elif row["action"] == Action.SLOT_REVOKED and (Action.APPOINTMENT_CANCELLED, id_) not in effects:
        yield f"Appointment {id_} was to be cancelled at {at}, and is not: it ended before, is checked in, or booking is behind."


def _from_to(detail: dict[str, Any]) -> str:
    """From where to where."""
    place = f"number {detail['slot_number']} of {detail['date']} with doctor {detail['doctor_id']}"
    return f"from {detail['from_date']} with doctor {detail['from_doctor_id']} to {place}"


def _appointment(row: ServiceRow) -> str:
    """The appointment that an effect concerns: its own effects name it as their subject, others in their detail."""
    return str((row["detail"] or {}).get("appointment_id", row["subject_id"]))
