"""Reading appointments: one, or a page of those that a filter lets through. A hold that is over reads as expired at once."""

import datetime as dt
from dataclasses import replace
from uuid import UUID

from services.booking import domain
from services.booking.domain import Appointment
from services.booking.repository import appointments, patients
from services.booking.repository.appointments import Wanted
from shared.contracts.appointments import AppointmentLook, AppointmentPage, AppointmentView
from shared.contracts.problems import Code
from shared.infra.forms import cursor_number, decode_cursor, encode_cursor, no_cursor
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def read_appointment(unit: RegistryUnit, clinic_id: UUID, appointment_id: UUID) -> AppointmentView:
    """An appointment of the clinic; another clinic's is as unknown as one that never was."""
    appointment = await appointments.get(unit.sql, clinic_id, appointment_id)
    if appointment is None:
        raise ProblemError(Code.UNKNOWN_APPOINTMENT)
    return domain.view(appointment, unit.now)


async def list_appointments(
    unit: RegistryUnit, clinic_id: UUID, patient_id: UUID | None, wanted: Wanted, limit: int
) -> AppointmentPage:
    """A page in order of date, number and id. A patient's are also those that ended under an id that was merged into it."""
    if patient_id is not None:
        wanted = replace(wanted, patient_ids=await patients.one_person(unit.sql, clinic_id, patient_id))
    found = await appointments.find(unit.sql, clinic_id, wanted, limit + 1, unit.now)
    page = found[:limit]
    next_cursor = _cursor(page[-1]) if len(found) > limit else None
    return AppointmentPage(items=[domain.view(one, unit.now) for one in page], next_cursor=next_cursor)


async def look_up(unit: RegistryUnit, clinic_id: UUID, asked: AppointmentLook) -> AppointmentPage:
    """All of the appointments that there are, whatever became of them, in the order of a list."""
    found = await appointments.some(unit.sql, clinic_id, asked.ids)
    return AppointmentPage(items=[domain.view(one, unit.now) for one in found])


def place_of(cursor: str | None) -> tuple[dt.date, int, UUID] | None:
    """Where a page begins. Raises `ProblemError` for what is no cursor of this list."""
    if cursor is None:
        return None
    date, number, id_ = decode_cursor(cursor, 3)
    try:
        return dt.date.fromisoformat(date), cursor_number(number), UUID(id_)
    except ValueError:
        raise no_cursor() from None


def _cursor(last: Appointment) -> str:
    return encode_cursor(last.date.isoformat(), str(last.slot_number), str(last.id))
