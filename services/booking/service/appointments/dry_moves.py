"""Which moves of a displacement booking would refuse, judged as they would be and without a lock: for a dry run.

Called by `routes/appointments.py`. What is judged may have changed when the displacement is done.
"""

from dataclasses import replace
from uuid import UUID

from services.booking.domain.appointments import Appointment
from services.booking.domain.commands import refusal_of_move
from services.booking.domain.patient_calendar import PatientCalendar
from services.booking.repository import appointments
from services.booking.service.appointments.reservations import busy_answer
from shared.contracts.commands import Answer
from shared.contracts.displacement import MoveQuestion, MoveRefusal, MoveRefusals, MovesQuestion
from shared.contracts.problems import Code
from shared.infra import clinic_settings
from shared.infra.unit import RegistryUnit


async def refusals_of_moves(unit: RegistryUnit, clinic_id: UUID, asked: MovesQuestion) -> MoveRefusals:
    """The moves that would be refused. Each is judged as if those before it were made."""
    one_a_day = (await clinic_settings.of(unit.connection, clinic_id)).one_booking_per_patient_day
    found = await appointments.find(unit.connection, {(clinic_id, move.appointment_id) for move in asked.moves})
    wanted = [(move, _moved(found.get((clinic_id, move.appointment_id)), move, one_a_day)) for move in asked.moves]
    around = await appointments.live_around(unit.connection, [after for _, after in wanted if after])
    calendar = PatientCalendar(one for one in around if one.is_live(unit.now))
    refusals = []
    for move, after in wanted:
        if answer := _refusal(unit, calendar, found.get((clinic_id, move.appointment_id)), after):
            refusals.append(MoveRefusal(appointment_id=move.appointment_id, answer=answer))
        elif after:
            calendar.enter(after)
    return MoveRefusals(refusals=refusals)


def _moved(before: Appointment | None, move: MoveQuestion, one_a_day: bool) -> Appointment | None:
    """The appointment as far as its patient's calendar judges it."""
    if before is None:
        return None
    to = move.to
    return replace(
        before, doctor_id=to.doctor_id, date=to.date, starts_at=to.starts_at, ends_at=to.ends_at, exclusive_day=one_a_day
    )


def _refusal(
    unit: RegistryUnit, calendar: PatientCalendar, before: Appointment | None, after: Appointment | None
) -> Answer | None:
    if before is None or after is None:
        return Answer.refusal(Code.UNKNOWN_APPOINTMENT)
    if code := refusal_of_move(before, unit.now, None):
        return Answer.refusal(code)
    collision = calendar.collision(after)
    return busy_answer(collision) if collision else None
