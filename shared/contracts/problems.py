"""The closed list of problem codes: what a refusal is called, which HTTP status it has and what a client can do about it.

Services decide a code; the gateway renders it as an RFC 9457 problem. A code never changes its meaning.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.envelope import Wire


class Code(StrEnum):
    """Every problem code of the API."""

    INVALID_JSON = "invalid_json"
    INVALID_HEADER = "invalid_header"
    VALIDATION_FAILED = "validation_failed"
    BODY_TOO_LARGE = "body_too_large"
    KEY_REUSED = "key_reused"
    UNKNOWN_DOCTOR = "unknown_doctor"
    UNKNOWN_PATIENT = "unknown_patient"
    UNKNOWN_APPOINTMENT = "unknown_appointment"
    UNKNOWN_COMMAND = "unknown_command"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NO_SUCH_SLOT = "no_such_slot"
    PAST_DATE = "past_date"
    TOO_FAR = "too_far"
    DOCTOR_ABSENT = "doctor_absent"
    WRONG_PATIENT = "wrong_patient"
    NOT_TODAY = "not_today"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    ALREADY_CHECKED_IN = "already_checked_in"
    CHECKED_IN = "checked_in"
    NOT_CONFIRMED = "not_confirmed"
    PAST = "past"
    FULL = "full"
    SLOT_TAKEN = "slot_taken"
    PATIENT_BUSY = "patient_busy"
    TOO_LATE = "too_late"
    LOST = "lost"
    DUPLICATE_CODE = "duplicate_code"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    BELOW_TAKEN = "below_taken"
    TIMED_DAY = "timed_day"
    NOT_ACCEPTED = "not_accepted"
    UNKNOWN_OUTCOME = "unknown"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True)
class ProblemKind:
    """What a code means: its HTTP status, its title, and `retry`: `same_key`, `change` the request, or `give_up`."""

    status: int
    title: str
    retry: str = "change"


PROBLEMS: dict[Code, ProblemKind] = {
    Code.INVALID_JSON: ProblemKind(400, "The body is not JSON"),
    Code.INVALID_HEADER: ProblemKind(400, "A header cannot be read"),
    Code.VALIDATION_FAILED: ProblemKind(422, "Some fields are not valid"),
    Code.BODY_TOO_LARGE: ProblemKind(413, "The body is too large"),
    Code.KEY_REUSED: ProblemKind(422, "The idempotency key belongs to another request"),
    Code.UNKNOWN_DOCTOR: ProblemKind(404, "There is no such doctor"),
    Code.UNKNOWN_PATIENT: ProblemKind(404, "There is no such patient"),
    Code.UNKNOWN_APPOINTMENT: ProblemKind(404, "There is no such appointment"),
    Code.UNKNOWN_COMMAND: ProblemKind(404, "There is no such command"),
    Code.NOT_FOUND: ProblemKind(404, "There is nothing here"),
    Code.METHOD_NOT_ALLOWED: ProblemKind(405, "The method is not allowed here"),
    Code.NO_SUCH_SLOT: ProblemKind(422, "There is no such slot"),
    Code.PAST_DATE: ProblemKind(422, "The date is past"),
    Code.TOO_FAR: ProblemKind(422, "The date is beyond the booking horizon"),
    Code.DOCTOR_ABSENT: ProblemKind(422, "The doctor does not work on that date"),
    Code.WRONG_PATIENT: ProblemKind(422, "The appointment belongs to another patient"),
    Code.NOT_TODAY: ProblemKind(422, "The appointment is not today"),
    Code.CANCELLED: ProblemKind(409, "The appointment is cancelled", "give_up"),
    Code.EXPIRED: ProblemKind(409, "The hold has expired", "give_up"),
    Code.ALREADY_CHECKED_IN: ProblemKind(409, "The patient has checked in already", "give_up"),
    Code.CHECKED_IN: ProblemKind(409, "The patient has checked in", "give_up"),
    Code.NOT_CONFIRMED: ProblemKind(409, "The hold is not confirmed"),
    Code.PAST: ProblemKind(409, "The appointment is past", "give_up"),
    Code.FULL: ProblemKind(409, "The day is full"),
    Code.SLOT_TAKEN: ProblemKind(409, "The slot is taken"),
    Code.PATIENT_BUSY: ProblemKind(409, "The patient has an appointment at that time"),
    Code.TOO_LATE: ProblemKind(409, "The command was not decided in time; nothing was changed", "give_up"),
    Code.LOST: ProblemKind(409, "The command never arrived; nothing was changed", "give_up"),
    Code.DUPLICATE_CODE: ProblemKind(409, "The code is taken"),
    Code.POSSIBLE_DUPLICATE: ProblemKind(409, "A patient with this phone number exists"),
    Code.BELOW_TAKEN: ProblemKind(409, "More slots are taken than the capacity asked for"),
    Code.TIMED_DAY: ProblemKind(409, "The day follows a schedule"),
    Code.NOT_ACCEPTED: ProblemKind(503, "The command was not accepted", "same_key"),
    Code.UNKNOWN_OUTCOME: ProblemKind(503, "It is unknown whether the command arrived", "same_key"),
    Code.UNAVAILABLE: ProblemKind(503, "A part of the system does not answer", "same_key"),
    Code.INTERNAL: ProblemKind(500, "Something went wrong on our side", "same_key"),
}


class FieldError(Wire):
    """One bad field: its path with dots (`address.en`), and why it is refused."""

    field: str
    reason: str
