"""Reading appointments: one, many by their ids, or a page of those that match a filter. An overdue hold reads as expired.

Called by `routes/appointments.py`.
"""

import datetime as dt
from dataclasses import replace
from uuid import UUID

from services.booking.domain.appointments import Appointment
from services.booking.repository import appointment_search, patient_search
from services.booking.repository.appointment_search import AppointmentFilter
from shared.contracts.appointments import AppointmentLook, AppointmentPage, AppointmentView
from shared.contracts.problems import Code
from shared.infra.forms import cursor_number, decode_cursor, encode_cursor, no_cursor
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def read_appointment(unit: RegistryUnit, clinic_id: UUID, appointment_id: UUID) -> AppointmentView:
    """An appointment of the clinic. Raises `ProblemError` if there is none, also where it is another clinic's."""
    appointment = await appointment_search.get(unit.sql, clinic_id, appointment_id)
    if appointment is None:
        raise ProblemError(Code.UNKNOWN_APPOINTMENT)
    return appointment.view(unit.now)


async def list_appointments(
    unit: RegistryUnit, clinic_id: UUID, patient_id: UUID | None, wanted: AppointmentFilter, limit: int
) -> AppointmentPage:
    """A page in order of date, number and id. A patient also has what ended under the ids of those who were merged into it."""
    if patient_id is not None:
        wanted = replace(wanted, patient_ids=await patient_search.all_ids(unit.sql, clinic_id, patient_id))
    found = await appointment_search.find(unit.sql, clinic_id, wanted, limit + 1, unit.now)
    page = found[:limit]
    next_cursor = _cursor(page[-1]) if len(found) > limit else None
    return AppointmentPage(items=[one.view(unit.now) for one in page], next_cursor=next_cursor)


async def look_up_appointments(unit: RegistryUnit, clinic_id: UUID, asked: AppointmentLook) -> AppointmentPage:
    """Those of the appointments that there are, whatever became of them, in the order of a list."""
    found = await appointment_search.by_ids(unit.sql, clinic_id, asked.ids)
    return AppointmentPage(items=[one.view(unit.now) for one in found])


def page_start(cursor: str | None) -> tuple[dt.date, int, UUID] | None:
    """Behind which date, slot number and id a page begins. Raises `ProblemError` for what is no cursor of this list."""
    if cursor is None:
        return None
    date, number, id_ = decode_cursor(cursor, 3)
    try:
        return dt.date.fromisoformat(date), cursor_number(number), UUID(id_)
    except ValueError:
        raise no_cursor() from None


def _cursor(last: Appointment) -> str:
    return encode_cursor(last.date.isoformat(), str(last.slot_number), str(last.id))
