"""What becomes of reservations: an appointment, booked or held, or a refusal that frees them; and of what was refused before."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.booking import domain
from services.booking.domain import Appointment, Diary
from services.booking.repository import appointments, patients
from services.booking.service.appointments import moves
from services.booking.service.appointments.batch import Desk, command_of
from services.booking.service.appointments.holds import without_overdue
from services.booking.service.outcomes.decisions import Decisions
from shared.contracts.appointments import Status
from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotKept, SlotReserved
from shared.contracts.booking import AppointmentBooked, BookAppointment
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.contracts.shapes import Active
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.audit import Action
from shared.infra.unit import Unit

Bookings = Sequence[SlotReserved | SlotKept | BookingRefused | ReservationQuestioned]


async def decide_bookings(unit: Unit, decisions: Decisions, messages: Bookings) -> None:
    """Decides the batch's bookings and moves in the order of their arrival, under the locks of their patients."""
    desk = await _open_desk(unit, decisions, messages)
    for message in messages:
        outcome = decisions.of(message)
        if isinstance(message, ReservationQuestioned):
            desk.keep_or_release(message, outcome)
        elif isinstance(message, SlotReserved) and outcome:
            desk.answer_or_release(message, outcome)
        elif outcome:
            decisions.answer_again(message, outcome)
        elif isinstance(message, BookingRefused):
            _store_refusal(desk, message)
        elif isinstance(message, SlotKept):
            moves.keep_place(desk, message)
        elif message.purpose.moves:
            moves.move_or_refuse(desk, message)
        else:
            _book_or_refuse(desk, message)
    await desk.waves.write(unit.connection)


async def _open_desk(unit: Unit, decisions: Decisions, messages: Bookings) -> Desk:
    """Locks the patients and then what is to be moved, and reads what they are judged by, where there is any."""
    locked = await patients.lock(unit.connection, {(message.clinic_id, message.patient_id) for message in messages})
    desk = Desk(unit, decisions, {key: patient for key, patient in locked.items() if patient.status is Active.ACTIVE})
    new = [message for message in messages if decisions.of(message) is None]
    if any(isinstance(message, SlotKept) or message.purpose.moves for message in new):
        locked_to_move = await appointments.lock(unit.connection, decisions.appointments, unit.now)
        desk.moving, desk.cutoffs, desk.unit = locked_to_move.found, locked_to_move.cutoffs, unit.at(locked_to_move.at)
    desk.held = await _held(desk.unit, decisions, messages)
    wanted = [one for message in new if isinstance(message, SlotReserved) and (one := _wanted(desk, message))]
    judged = [one for one in wanted if domain.may_collide(one)]
    if judged:
        desk.diary = Diary(await _around(desk, judged))
    return desk


async def _around(desk: Desk, judged: Sequence[Appointment]) -> list[Appointment]:
    """What lives of the patients around the days of what they want. A hold in the way that is over is ended here.

    What the batch's commands name is locked before that, if it is not yet: behind it no appointment is waited for any more.
    """
    connection, now, named = desk.unit.connection, desk.unit.now, desk.decisions.appointments
    around = await appointments.live_around(connection, judged)
    if named and not desk.moving and any(one.is_overdue(now) for one in around):
        await appointments.lock(connection, named, now)
    return await without_overdue(desk.unit, around)


async def _held(unit: Unit, decisions: Decisions, messages: Bookings) -> set[UUID]:
    """Which reservations live appointments hold, of those that are asked about or whose command is decided."""
    perhaps = [m for m in messages if isinstance(m, ReservationQuestioned) or (isinstance(m, SlotReserved) and decisions.of(m))]
    asked = {(message.clinic_id, message.reservation_id) for message in perhaps}
    return await appointments.held(unit.connection, asked) if asked else set()


def _wanted(desk: Desk, reserved: SlotReserved) -> Appointment | None:
    """What a reservation becomes if nothing stands against it; None if there is nobody for whom it could."""
    if reserved.purpose.moves:
        return moves.wanted(desk, reserved)
    patient = desk.patient_of(reserved)
    if patient is None:
        return None
    appointment = domain.appointment_of(
        reserved, exclusive_day=patient.one_booking_a_day, hold_ttl=patient.hold_ttl, now=desk.unit.now
    )
    return replace(appointment, patient_id=patient.id)


def _book_or_refuse(desk: Desk, reserved: SlotReserved) -> None:
    """The decision on a reservation."""
    wanted = _wanted(desk, reserved)
    if domain.too_late(reserved, desk.unit.now):
        desk.refuse(reserved, Code.TOO_LATE)
    elif wanted is None:
        desk.refuse(reserved, Code.UNKNOWN_PATIENT)
    elif desk.diary.forbids(wanted):
        desk.refuse(reserved, Code.PATIENT_BUSY)
    elif desk.diary.has_holds_enough(wanted):
        desk.refuse(reserved, Code.TOO_MANY_HOLDS)
    else:
        _book(desk, reserved, wanted)


def _book(desk: Desk, reserved: SlotReserved, appointment: Appointment) -> None:
    desk.waves.book(appointment)
    desk.held.add(appointment.reservation_id)
    desk.diary.enter(appointment)
    result = domain.view(appointment, desk.unit.now).model_dump(mode="json")
    desk.decisions.decide(desk.unit, reserved, BookAppointment, Answer(status_code=201, result=result), settled=True)
    told = ("doctor_id", "patient_id", "date", "slot", "slot_id", "version")
    done = Action.APPOINTMENT_HELD if appointment.status is Status.PENDING else Action.APPOINTMENT_BOOKED
    desk.unit.record(reserved, done, appointment.id, **{name: result[name] for name in told})
    booked = AppointmentBooked(
        **desk.unit.envelope(reserved),
        doctor_id=appointment.doctor_id,
        date=appointment.date,
        version=appointment.version,
        appointment_id=appointment.id,
        patient_id=appointment.patient_id,
        slot_id=appointment.slot_id,
        slot_number=appointment.slot_number,
        reservation_id=appointment.reservation_id,
        status=appointment.status,
    )
    desk.unit.emit(APPOINTMENT_EVENTS, booked)


def _store_refusal(desk: Desk, refused: BookingRefused) -> None:
    """Nothing was taken: the refusal is settled and answered at once. What ranks above availability's reason is said instead."""
    if refused.purpose.moves:
        against = moves.against(desk, refused)
    else:
        against = None if desk.patient_of(refused) else Code.UNKNOWN_PATIENT
    answer = Answer.refusal(domain.code_of_refusal(refused.code, against))
    desk.decisions.decide(desk.unit, refused, command_of(refused), answer, settled=True)
