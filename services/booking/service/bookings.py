"""What becomes of reservations: an appointment, or a refusal that frees them; and of bookings that availability refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.booking import domain
from services.booking.domain import Appointment, Diary
from services.booking.repository import appointments, patients
from services.booking.repository.patients import Key, Locked
from services.booking.service.decisions import Decisions, answer_to
from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotReserved
from shared.contracts.booking import AppointmentBooked, AppointmentRefused, BookAppointment, ReservationKept, SlotReleased
from shared.contracts.commands import Answer, Outcome
from shared.contracts.problems import Code
from shared.contracts.registry import Active
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.audit import Action
from shared.infra.unit import Unit

Bookings = Sequence[SlotReserved | BookingRefused | ReservationQuestioned]


async def decide_bookings(unit: Unit, decisions: Decisions, messages: Bookings) -> None:
    """Decides the batch's bookings in the order of their arrival, under the locks of their patients."""
    desk = await _open_desk(unit, decisions, messages)
    for message in messages:
        outcome = decisions.of(message)
        if isinstance(message, BookingRefused):
            desk.store_refusal(message, outcome)
        elif isinstance(message, ReservationQuestioned):
            desk.keep_or_release(message, outcome)
        elif outcome:
            desk.answer_or_release(message, outcome)
        else:
            desk.book_or_refuse(message)
    if desk.booked:
        await appointments.insert(unit.connection, desk.booked)


async def _open_desk(unit: Unit, decisions: Decisions, messages: Bookings) -> "Desk":
    """Locks the patients, then reads what their bookings are judged by, where there is any."""
    locked = await patients.lock(unit.connection, {(message.clinic_id, message.patient_id) for message in messages})
    active = {key: patient for key, patient in locked.items() if patient.status is Active.ACTIVE}
    reserved = [message for message in messages if isinstance(message, SlotReserved)]
    perhaps = [m for m in messages if isinstance(m, ReservationQuestioned) or (isinstance(m, SlotReserved) and decisions.of(m))]
    asked = {(message.clinic_id, message.reservation_id) for message in perhaps}
    held = await appointments.held(unit.connection, asked) if asked else set()
    desk = Desk(unit, decisions, active, held)
    wanted = [desk.wanted(message, patient) for message in reserved if (patient := desk.patient_of(message))]
    colliding = [one for one in wanted if domain.may_collide(one)]
    if colliding:
        desk.diary = Diary(await appointments.live_around(unit.connection, colliding))
    return desk


@dataclass
class Desk:
    """What one batch's bookings are judged by, and what it books."""

    unit: Unit
    decisions: Decisions
    active: dict[Key, Locked]
    """The active patients by clinic and the id that a message names; who was merged stands for the survivor."""
    held: set[UUID]
    """Reservations that live appointments hold."""
    diary: Diary = field(default_factory=lambda: Diary(()))
    booked: list[Appointment] = field(default_factory=list)

    def wanted(self, reserved: SlotReserved, patient: Locked) -> Appointment:
        """The appointment that a reservation becomes if nothing stands against it."""
        appointment = domain.appointment_of(reserved, exclusive_day=patient.one_booking_a_day, now=self.unit.now)
        return replace(appointment, patient_id=patient.id)

    def book_or_refuse(self, reserved: SlotReserved) -> None:
        """The decision on a reservation."""
        patient = self.patient_of(reserved)
        if domain.too_late(reserved, self.unit.now):
            self.refuse(reserved, Code.TOO_LATE)
        elif patient is None:
            self.refuse(reserved, Code.UNKNOWN_PATIENT)
        elif self.diary.forbids(wanted := self.wanted(reserved, patient)):
            self.refuse(reserved, Code.PATIENT_BUSY)
        else:
            self._book(reserved, wanted)

    def patient_of(self, message: SlotReserved | BookingRefused) -> Locked | None:
        """For whom a booking is, if that patient is active."""
        return self.active.get((message.clinic_id, message.patient_id))

    def answer_or_release(self, reserved: SlotReserved, outcome: Outcome) -> None:
        """A reservation whose command is decided already: given back, unless a live appointment holds exactly it."""
        if reserved.reservation_id in self.held:
            self.decisions.answer_again(reserved, outcome)
        else:
            self._say(SlotReleased, reserved, answer=answer_to(reserved, outcome))

    def keep_or_release(self, questioned: ReservationQuestioned, outcome: Outcome | None) -> None:
        """Whether a reservation is held is decided here alone. One that is not, and whose command nobody decided, was lost."""
        if questioned.reservation_id in self.held:
            self._say(ReservationKept, questioned)
            return
        answer = answer_to(questioned, outcome) if outcome else Answer.refusal(Code.LOST)
        if outcome is None:
            self.decisions.decide(questioned, BookAppointment, answer, settled=False)
        self._say(SlotReleased, questioned, answer=answer)

    def store_refusal(self, refused: BookingRefused, outcome: Outcome | None) -> None:
        """Nothing was taken: the refusal is settled and answered at once."""
        if outcome:
            self.decisions.answer_again(refused, outcome)
            return
        answer = Answer.refusal(domain.code_of_refusal(refused, patient_known=self.patient_of(refused) is not None))
        self.decisions.decide(refused, BookAppointment, answer, settled=True)

    def _book(self, reserved: SlotReserved, appointment: Appointment) -> None:
        self.booked.append(appointment)
        self.held.add(appointment.reservation_id)
        self.diary.add(appointment)
        result = domain.view(appointment).model_dump(mode="json")
        self.decisions.decide(reserved, BookAppointment, Answer(status_code=201, result=result), settled=True)
        told = ("doctor_id", "patient_id", "date", "slot", "slot_id", "version")
        self.unit.record(reserved, Action.APPOINTMENT_BOOKED, appointment.id, **{name: result[name] for name in told})
        self.unit.emit(
            APPOINTMENT_EVENTS,
            AppointmentBooked,
            reserved,
            version=appointment.version,
            doctor_id=appointment.doctor_id,
            date=appointment.date,
            appointment_id=appointment.id,
            patient_id=appointment.patient_id,
            slot_id=appointment.slot_id,
            slot_number=appointment.slot_number,
            reservation_id=appointment.reservation_id,
            status=appointment.status,
        )

    def refuse(self, reserved: SlotReserved, code: Code) -> None:
        """Decided here, settled and answered once availability has freed the place."""
        answer = Answer.refusal(code)
        self.decisions.decide(reserved, BookAppointment, answer, settled=False)
        self._say(AppointmentRefused, reserved, answer=answer)

    def _say(
        self,
        kind: type[AppointmentRefused] | type[SlotReleased] | type[ReservationKept],
        reserved: SlotReserved | ReservationQuestioned,
        **answer: Answer,
    ) -> None:
        """Says what becomes of a reservation, on its day's key."""
        self.unit.emit(
            APPOINTMENT_EVENTS,
            kind,
            reserved,
            doctor_id=reserved.doctor_id,
            date=reserved.date,
            appointment_id=reserved.appointment_id,
            slot_id=reserved.slot_id,
            reservation_id=reserved.reservation_id,
            **answer,
        )
