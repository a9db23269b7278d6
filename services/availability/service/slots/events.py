"""The messages of `availability.events` about slots: a function emits each, and adds the audit row if it is about a change.

Used by the use cases, in the transaction of the change. `CommandRepeated` is emitted by `repeats.py`.
"""

from datetime import datetime

from services.availability.domain.batches import SlotCommand, appointment_to_move
from services.availability.domain.days import DayKey
from services.availability.domain.reservations import Refusal
from services.availability.domain.slots import Reservation
from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotFreed, SlotKept, SlotReserved, SlotRevoked
from shared.contracts.booking import AppointmentRefused, ReservationDeclined, ReservationFields, SlotReleased
from shared.contracts.envelope import DayMessage
from shared.contracts.problem_kinds import kind_of
from shared.contracts.problems import Code
from shared.contracts.topics import AVAILABILITY_EVENTS
from shared.contracts.versions import Version
from shared.infra.audit import SYSTEM, Action, Cause
from shared.infra.caller import Caller
from shared.infra.unit import Unit

Release = SlotReleased | AppointmentRefused | ReservationDeclined


def emit_reserved(unit: Unit, cause: Cause, reserved: SlotReserved) -> None:
    """A slot is taken."""
    unit.emit(AVAILABILITY_EVENTS, reserved)
    detail = {**_detail(reserved), "number": reserved.slot_number}
    unit.record(cause, Action.SLOT_TAKEN, reserved.slot_id, **detail)


def emit_kept(unit: Unit, command: SlotCommand, reservation: Reservation) -> None:
    """Nothing is taken, as the appointment has the slot: booking judges the move, and answers with the appointment as it is."""
    kept = SlotKept(**unit.envelope(command), **_fields(command, reservation), patient_id=command.patient_id)
    unit.emit(AVAILABILITY_EVENTS, kept)


def emit_refused(unit: Unit, command: SlotCommand, refusal: Refusal, bookable_after: datetime | None) -> None:
    """Nothing is taken: booking stores the refusal, and answers it. What is too soon is told when it may begin."""
    code = _known_code(unit, command, refusal.code)
    refused = BookingRefused(
        **unit.envelope(command),
        doctor_id=command.doctor_id,
        date=command.date,
        patient_id=command.patient_id,
        code=code,
        status_code=kind_of(code).status,
        purpose=command.purpose,
        appointment_id=appointment_to_move(command),
        taken_by=refusal.taken_by,
        bookable_after=bookable_after if code is Code.TOO_SOON else None,
    )
    unit.emit(AVAILABILITY_EVENTS, refused)


def _known_code(unit: Unit, command: SlotCommand, code: Code) -> Code:
    """The code, or what the version before says in its place as long as one of its processes may have to read it."""
    if code is not Code.TOO_SOON or unit.oldest_version is not Version.BEFORE:
        return code
    return Code.FULL if command.slot_id is None else Code.NO_SUCH_SLOT


def record_freed(unit: Unit, release: Release) -> None:
    """A slot is free again, or gone."""
    unit.record(release, Action.SLOT_FREED, release.slot_id, **_detail(release))


def emit_freed(unit: Unit, release: Release) -> None:
    """A release is done, also if it found nothing: settles the command that asked for it, if one did, and answers its client.

    The command of a reservation that was declined goes on.
    """
    if release.command_id is None or isinstance(release, ReservationDeclined):
        return
    unit.emit(AVAILABILITY_EVENTS, SlotFreed(**unit.envelope(release), **_fields(release, release)))
    if release.answer is not None:
        unit.reply(release, release.answer)


def emit_revoked(unit: Unit, caller: Caller, day: DayKey, reservation: Reservation) -> None:
    """The doctor is deleted: booking is to cancel the appointment of this reservation."""
    revoked = SlotRevoked(**unit.envelope(caller), **_fields(day, reservation))
    unit.emit(AVAILABILITY_EVENTS, revoked)
    unit.record(caller, Action.SLOT_REVOKED, reservation.slot_id, **_detail(revoked))


def emit_questioned(unit: Unit, reserved: SlotReserved) -> None:
    """Asks whether a live appointment has the reservation. No client asks this: the actor is the system."""
    envelope = unit.envelope(reserved)
    envelope["actor"] = SYSTEM
    questioned = ReservationQuestioned(
        **envelope,
        **_fields(reserved, reserved),
        patient_id=reserved.patient_id,
        purpose=reserved.purpose,
    )
    unit.emit(AVAILABILITY_EVENTS, questioned)


def _fields(day: DayKey | DayMessage, reservation: Reservation | SlotReserved | Release) -> ReservationFields:
    """How a message names a reservation of a slot of this day."""
    return ReservationFields(
        doctor_id=day.doctor_id,
        date=day.date,
        slot_id=reservation.slot_id,
        reservation_id=reservation.reservation_id,
        appointment_id=reservation.appointment_id,
    )


def _detail(message: SlotReserved | SlotRevoked | Release) -> dict[str, object]:
    """How an audit row names a reservation."""
    ids = {"reservation_id": message.reservation_id, "appointment_id": message.appointment_id}
    return {"doctor_id": message.doctor_id, "date": message.date, **ids}
