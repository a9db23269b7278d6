"""What becomes of availability's answers to bookings and moves.

A reservation becomes an appointment, booked or held, or is refused, which frees it; a refusal of availability is stored.
Called by `handlers.py` in the transaction of a batch. Moves are in `moves.py`.
"""

from collections.abc import Sequence

from services.booking.domain.appointments import Appointment
from services.booking.domain.commands import is_late, prevailing_refusal
from services.booking.domain.patient_calendar import may_collide
from services.booking.repository import appointments, patient_locks
from services.booking.repository.appointments import LockedAppointments
from services.booking.service.appointments.batch import BookingBatch
from services.booking.service.appointments.events import emit_booked, emit_released
from services.booking.service.appointments.expiry import expire_unlocked
from services.booking.service.appointments.moves import decide_kept_slot, decide_move, refusal_of
from services.booking.service.appointments.reservations import (
    answer_question,
    command_of,
    readable,
    refuse_busy,
    refuse_reservation,
)
from services.booking.service.appointments.write_order import write_in_rounds
from services.booking.service.outcomes.decisions import Decisions, success
from services.booking.service.outcomes.repeats import answer_repeat, answer_to
from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotKept, SlotReserved
from shared.contracts.booking import BookAppointment
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.contracts.shapes import Active
from shared.infra.unit import Unit

Bookings = Sequence[SlotReserved | SlotKept | BookingRefused | ReservationQuestioned]


async def decide_bookings(unit: Unit, decisions: Decisions, messages: Bookings) -> None:
    """Decides the batch's bookings and moves in the order of their arrival, under the locks of their patients."""
    batch = await _read_batch(unit, decisions, messages)
    for message in messages:
        outcome = decisions.of(message)
        if isinstance(message, ReservationQuestioned):
            answer_question(batch.unit, decisions, message, held=batch.is_held(message))
        elif outcome and isinstance(message, SlotReserved) and not batch.is_held(message):
            emit_released(batch.unit, message, message, answer_to(message, outcome))
        elif outcome:
            answer_repeat(unit, message, outcome)
        elif isinstance(message, BookingRefused):
            _decide_refused(batch, message)
        elif isinstance(message, SlotKept):
            decide_kept_slot(batch, message)
        elif message.purpose.moves:
            decide_move(batch, message)
        else:
            _decide_booking(batch, message)
    await write_in_rounds(unit.connection, batch.changed)


async def _read_batch(unit: Unit, decisions: Decisions, messages: Bookings) -> BookingBatch:
    """Locks the patients, then the appointments that the batch names if it moves any, and reads what else it is judged by.

    Each step is one statement, or none where no message needs it.
    """
    patients = await patient_locks.lock(unit.connection, {(message.clinic_id, message.patient_id) for message in messages})
    active = {key: patient for key, patient in patients.items() if patient.status is Active.ACTIVE}
    new = [message for message in messages if decisions.of(message) is None]
    locked = LockedAppointments(unit.now)
    if any(isinstance(message, SlotKept) or message.purpose.moves for message in new):
        locked = await appointments.lock(unit.connection, decisions.named_appointments, unit.now)
    # What becomes of these depends on whether a live appointment holds their reservation.
    asked = {
        (message.clinic_id, message.reservation_id)
        for message in messages
        if isinstance(message, ReservationQuestioned) or (isinstance(message, SlotReserved) and decisions.of(message))
    }
    held = await appointments.held(unit.connection, asked) if asked else set()
    takers = {(one.clinic_id, one.taken_by) for one in new if isinstance(one, BookingRefused) and one.taken_by}
    found = await appointments.find(unit.connection, takers) if takers else {}
    batch = BookingBatch(unit, decisions, active, locked, held, found)
    await _fill_calendar(batch, locked, new)
    return batch


async def _fill_calendar(batch: BookingBatch, locked: LockedAppointments, new: Bookings) -> None:
    """Enters the live appointments that the wanted ones can collide with. Overdue holds among them are ended.

    Before that the appointments that the batch names are locked, if they are not yet: once it has ended holds, the batch waits
    for no other lock of an appointment.
    """
    wanted = [one for message in new if isinstance(message, SlotReserved) and (one := batch.wanted(message)) and may_collide(one)]
    if not wanted:
        return
    connection, now, named = batch.unit.connection, batch.unit.now, batch.decisions.named_appointments
    found = await appointments.live_around(connection, wanted)
    if named and not locked.found and any(one.is_overdue(now) for one in found):
        await appointments.lock(connection, named, now)
    for one in await expire_unlocked(batch.unit, found):
        batch.calendar.enter(one)


def _decide_booking(batch: BookingBatch, reserved: SlotReserved) -> None:
    """Books a reservation, or refuses it."""
    appointment = _judge(batch, reserved)
    if isinstance(appointment, Code):
        refuse_reservation(batch.unit, batch.decisions, reserved, Answer.refusal(appointment))
        return
    if collision := batch.calendar.collision(appointment):
        refuse_busy(batch, reserved, appointment, collision)
        return
    if batch.calendar.has_too_many_holds(appointment):
        refuse_reservation(batch.unit, batch.decisions, reserved, Answer.refusal(Code.TOO_MANY_HOLDS))
        return
    batch.book(appointment)
    answer = success(appointment.view(batch.unit.now), 201)
    batch.decisions.decide(batch.unit, reserved, BookAppointment.__name__, answer, settled=True)
    emit_booked(batch.unit, reserved, appointment)


def _judge(batch: BookingBatch, reserved: SlotReserved) -> Appointment | Code:
    """The appointment that a reservation becomes unless its patient has what stands against it, or why it becomes none."""
    if is_late(reserved, batch.unit.now):
        return Code.TOO_LATE
    return batch.wanted(reserved) or Code.UNKNOWN_PATIENT


def _decide_refused(batch: BookingBatch, refused: BookingRefused) -> None:
    """Stores availability's refusal, or booking's own where that ranks above it. No slot was taken: it is answered at once."""
    ours = None if batch.patient_of(refused) else Code.UNKNOWN_PATIENT
    if refused.purpose.moves:
        ours = refusal_of(batch, refused)
    code = prevailing_refusal(refused.code, ours)
    named = _named(batch, refused) if code is refused.code else {}
    answer = readable(batch.unit, Answer.refusal(code, named, later_status=refused.status_code))
    batch.decisions.decide(batch.unit, refused, command_of(refused), answer, settled=True)


def _named(batch: BookingBatch, refused: BookingRefused) -> dict[str, str]:
    """What availability's refusal is told with: from when on it is not too soon, or the patient's own appointment in the slot."""
    if refused.bookable_after:
        return {"bookable_after": refused.bookable_after.isoformat().replace("+00:00", "Z")}
    own, patient = batch.holder_of(refused), batch.patient_of(refused)
    return {"appointment_id": str(own.id)} if own and patient and own.patient_id == patient.id else {}
