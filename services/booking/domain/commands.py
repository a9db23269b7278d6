"""What a command makes of an appointment, or the problem code of its refusal. Nothing here changes an appointment that stays.

Called by `service/appointments/`, under the lock of the appointment's row.
"""

from datetime import datetime, timedelta
from http import HTTPStatus

from services.booking.domain.appointments import Appointment
from shared.contracts.appointments import Status
from shared.contracts.booking import CancelAppointment, CheckInPatient, ConfirmAppointment
from shared.contracts.envelope import Message
from shared.contracts.problem_kinds import kind_of
from shared.contracts.problems import Code

AppointmentCommand = CancelAppointment | CheckInPatient | ConfirmAppointment

CANCEL_REFUSALS = {
    Status.CHECKED_IN: Code.CHECKED_IN,
    Status.EXPIRED: Code.EXPIRED,
    Status.FULFILLED: Code.PAST,
    Status.NO_SHOW: Code.PAST,
}
MOVE_REFUSALS = {
    Status.CANCELLED: Code.CANCELLED,
    Status.EXPIRED: Code.EXPIRED,
    Status.CHECKED_IN: Code.ALREADY_CHECKED_IN,
    Status.FULFILLED: Code.PAST,
    Status.NO_SHOW: Code.PAST,
}
CHECK_IN_REFUSALS = {
    Status.CANCELLED: Code.CANCELLED,
    Status.EXPIRED: Code.EXPIRED,
    Status.CHECKED_IN: Code.ALREADY_CHECKED_IN,
    Status.FULFILLED: Code.ALREADY_CHECKED_IN,
    Status.PENDING: Code.NOT_CONFIRMED,
    Status.NO_SHOW: Code.PAST,
}
CONFIRM_REFUSALS = {
    Status.CANCELLED: Code.CANCELLED,
    Status.EXPIRED: Code.EXPIRED,
    Status.NO_SHOW: Code.PAST,
}


def is_late(message: Message, now: datetime) -> bool:
    """Whether the deadline of the message's command has passed: nobody may decide it any more."""
    return message.decide_by is not None and message.decide_by < now


def apply(command: AppointmentCommand, appointment: Appointment | None, cutoff: timedelta, now: datetime) -> Appointment | Code:
    """The appointment after a command, or why it is refused.

    Cancelling a cancelled appointment, or confirming a booked one, gives the same value back. `cutoff` is how long before its
    start an appointment can no longer be cancelled.
    """
    if is_late(command, now):
        return Code.TOO_LATE
    if appointment is None:
        return Code.UNKNOWN_APPOINTMENT
    status = appointment.status_at(now)
    if isinstance(command, CancelAppointment):
        return _cancel(command, appointment, status, cutoff, now)
    if isinstance(command, ConfirmAppointment):
        return _confirm(appointment, status, now)
    return _check_in(command, appointment, status, now)


def _cancel(
    command: CancelAppointment, appointment: Appointment, status: Status, cutoff: timedelta, now: datetime
) -> Appointment | Code:
    if status is Status.CANCELLED:
        return appointment
    if status in CANCEL_REFUSALS:
        return CANCEL_REFUSALS[status]
    if appointment.date < appointment.today(now):
        return Code.PAST
    if appointment.latest_start <= now + cutoff:
        return Code.PAST_CUTOFF
    return appointment.with_status(Status.CANCELLED, now, command.reason)


def _confirm(appointment: Appointment, status: Status, now: datetime) -> Appointment | Code:
    if status in CONFIRM_REFUSALS:
        return CONFIRM_REFUSALS[status]
    return appointment.confirmed(now) if status is Status.PENDING else appointment


def _check_in(command: CheckInPatient, appointment: Appointment, status: Status, now: datetime) -> Appointment | Code:
    if command.patient_id != appointment.patient_id:
        return Code.WRONG_PATIENT
    if appointment.date != appointment.today(now):
        return Code.NOT_TODAY
    return CHECK_IN_REFUSALS.get(status) or appointment.with_status(Status.CHECKED_IN, now)


def refusal_of_move(appointment: Appointment, now: datetime, cutoff: timedelta | None) -> Code | None:
    """Why an appointment cannot be moved, if it cannot. Without a `cutoff` it is the clinic that moves it."""
    if code := MOVE_REFUSALS.get(appointment.status_at(now)):
        return code
    if appointment.date < appointment.today(now):
        return Code.PAST
    return Code.PAST_CUTOFF if cutoff is not None and appointment.latest_start <= now + cutoff else None


def prevailing_refusal(availability_code: Code, booking_code: Code | None) -> Code:
    """What a command ends as that availability has refused, where booking knows a reason against it, too.

    An unknown patient or appointment ranks above all but an unknown doctor and a command that came too late; an appointment's
    status ranks above a slot that is taken.
    """
    if booking_code is None or availability_code in (Code.TOO_LATE, Code.UNKNOWN_DOCTOR):
        return availability_code
    unknown = kind_of(booking_code).status == HTTPStatus.NOT_FOUND
    return booking_code if unknown or kind_of(availability_code).status == HTTPStatus.CONFLICT else availability_code
