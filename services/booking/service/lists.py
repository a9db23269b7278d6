"""Reading appointments: one, or a page of those that a filter lets through."""

import datetime as dt
from uuid import UUID

from services.booking import domain
from services.booking.domain import Appointment
from services.booking.repository import appointments
from services.booking.repository.appointments import Wanted
from shared.contracts.booking import AppointmentPage, AppointmentView
from shared.contracts.problems import Code
from shared.infra.forms import cursor_number, decode_cursor, encode_cursor, no_cursor
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def read_appointment(unit: RegistryUnit, clinic_id: UUID, appointment_id: UUID) -> AppointmentView:
    """An appointment of the clinic; another clinic's is as unknown as one that never was."""
    appointment = await appointments.get(unit.sql, clinic_id, appointment_id)
    if appointment is None:
        raise ProblemError(Code.UNKNOWN_APPOINTMENT)
    return domain.view(appointment)


async def list_appointments(unit: RegistryUnit, clinic_id: UUID, wanted: Wanted, limit: int) -> AppointmentPage:
    """A page in order of date, number and id."""
    found = await appointments.find(unit.sql, clinic_id, wanted, limit + 1)
    page = found[:limit]
    next_cursor = _cursor(page[-1]) if len(found) > limit else None
    return AppointmentPage(items=[domain.view(one) for one in page], next_cursor=next_cursor)


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
