"""The closed list of problem codes: what a refusal is called. What each means: `problem_kinds.py`.

Services decide a code; the gateway renders it as an RFC 9457 problem. A code never changes its meaning.
"""

from enum import StrEnum

from shared.contracts.envelope import Wire


class Code(StrEnum):
    """Every problem code of the API."""

    INVALID_REQUEST = "invalid_request"
    INVALID_JSON = "invalid_json"
    INVALID_HEADER = "invalid_header"
    VALIDATION_FAILED = "validation_failed"
    BODY_TOO_LARGE = "body_too_large"
    KEY_REUSED = "key_reused"
    UNKNOWN_DOCTOR = "unknown_doctor"
    UNKNOWN_PATIENT = "unknown_patient"
    UNKNOWN_APPOINTMENT = "unknown_appointment"
    UNKNOWN_COMMAND = "unknown_command"
    UNKNOWN_CATEGORY = "unknown_category"
    UNKNOWN_PRICE_RANGE = "unknown_price_range"
    UNKNOWN_EXCEPTION = "unknown_exception"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NO_SUCH_SLOT = "no_such_slot"
    PAST_DATE = "past_date"
    TOO_FAR = "too_far"
    TOO_SOON = "too_soon"
    DOCTOR_ABSENT = "doctor_absent"
    WRONG_PATIENT = "wrong_patient"
    NOT_TODAY = "not_today"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    ALREADY_CHECKED_IN = "already_checked_in"
    CHECKED_IN = "checked_in"
    NOT_CONFIRMED = "not_confirmed"
    PAST = "past"
    PAST_CUTOFF = "past_cutoff"
    FULL = "full"
    SLOT_TAKEN = "slot_taken"
    PATIENT_BUSY = "patient_busy"
    TOO_MANY_HOLDS = "too_many_holds"
    TOO_LATE = "too_late"
    LOST = "lost"
    DUPLICATE_CODE = "duplicate_code"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    DUPLICATE_NAME = "duplicate_name"
    NHS_NUMBER_TAKEN = "nhs_number_taken"
    PATIENT_MERGED = "patient_merged"
    HAS_APPOINTMENTS = "has_appointments"
    OVERLAPPING_APPOINTMENTS = "overlapping_appointments"
    IN_USE = "in_use"
    STALE = "stale"
    BELOW_TAKEN = "below_taken"
    TIMED_DAY = "timed_day"
    NOT_ACCEPTED = "not_accepted"
    UNKNOWN_OUTCOME = "unknown"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class FieldError(Wire):
    """One bad field: its path with dots (`address.en`), and why it is refused."""

    field: str
    reason: str
