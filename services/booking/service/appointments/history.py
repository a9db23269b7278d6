"""The history of an appointment, read from the audit trail: each change has written its row there, so nothing is kept twice.

Called by `routes/histories.py`.
"""

from uuid import UUID

from services.booking.identifiers import Codec
from services.booking.repository import history
from services.booking.repository.history import AuditedChange
from services.booking.service.appointments.lists import read_appointment
from services.booking.service.appointments.notes import open_note
from shared.contracts.appointments import Change, History
from shared.infra.unit import RegistryUnit

SUBJECT = "appointment_"
"""The actions that change an appointment begin so; the rest of the name is the event."""


async def read_history(unit: RegistryUnit, codec: Codec, clinic_id: UUID, appointment_id: UUID) -> History:
    """Every change of an appointment in the order of its versions. Raises `ProblemError` if there is none for this clinic."""
    await read_appointment(unit, clinic_id, appointment_id)
    entries = await history.of_appointment(unit.sql, clinic_id, appointment_id)
    changes = [_change(codec, clinic_id, entry) for entry in entries if entry.action.startswith(SUBJECT)]
    return History(items=sorted(changes, key=lambda change: change.version))


def _change(codec: Codec, clinic_id: UUID, entry: AuditedChange) -> Change:
    note = open_note(codec, clinic_id, entry.command_id, entry.note) if entry.command_id and entry.note else None
    detail = entry.detail
    return Change.model_validate({
        "version": detail["version"],
        "event": entry.action.removeprefix(SUBJECT),
        "at": entry.at,
        "actor": entry.actor,
        "reason": detail.get("reason"),
        "note": note,
        "from": detail.get("from_place"),
        "to": detail.get("to_place"),
    })  # fmt: skip
