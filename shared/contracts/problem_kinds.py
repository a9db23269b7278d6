"""What each problem code means: its HTTP status and title, why it happens, what mends it, and which repeat makes sense."""

from dataclasses import dataclass, replace
from typing import Literal

from shared.contracts.problems import Code

Retry = Literal["same_key", "change", "give_up"]
"""Send the same request again with the same key; change the request; or let it be: no repeat ever helps."""


@dataclass(frozen=True)
class ProblemKind:
    """What a code means: its HTTP status and title, why it happens, what mends it, and which repeat makes sense.

    Its page, `/docs/problems/{code}`, is made of this; `code` in backticks is shown as code.
    """

    status: int
    title: str
    cause: str
    fix: str
    retry: Retry = "change"


PROBLEMS: dict[Code, ProblemKind] = {
    Code.INVALID_REQUEST: ProblemKind(
        400,
        "The request is not HTTP",
        "The bytes cannot be read as HTTP/1.1 (RFC 9112): a request line, a header or a chunk has no form that there is, the path"
        " or the query holds bytes that must be percent-encoded, or the client speaks TLS or HTTP/2, which this port does not.",
        "Percent-encode the path and the query; look at what really leaves the client, proxies included.",
    ),
    Code.INVALID_JSON: ProblemKind(
        400,
        "The body is not JSON",
        "The body cannot be read as JSON (RFC 8259): it is cut off, not UTF-8, nested too deep, holds NaN,"
        " or an object in it has a key twice, which `errors` names.",
        "Send one JSON object in UTF-8; look at what really leaves the client, proxies included.",
    ),
    Code.INVALID_HEADER: ProblemKind(
        400,
        "A header cannot be read",
        "A header that steers the request has a value that means nothing here. `errors` names it.",
        "`Prefer` takes `wait=N` in seconds or `respond-async`. A request has one `Host`: a name or an address, perhaps a port.",
    ),
    Code.VALIDATION_FAILED: ProblemKind(
        422,
        "Some fields are not valid",
        "Fields, parameters or headers are missing, unknown, or of the wrong form. `errors` names every one of them at once.",
        "Correct what `errors` names; nothing was changed. The OpenAPI document has every form.",
    ),
    Code.BODY_TOO_LARGE: ProblemKind(
        413,
        "The body is too large",
        "The body is longer than 64 KiB.",
        "Send less. No request of this API needs as much; a list belongs into several requests.",
    ),
    Code.KEY_REUSED: ProblemKind(
        422,
        "The idempotency key belongs to another request",
        "The `Idempotency-Key` was used for a request with another body or path, or longer ago than answers are kept (30 days).",
        "Make a new key for every new wish, a random UUID for example, and keep it for repeats of that wish only.",
    ),
    Code.UNKNOWN_DOCTOR: ProblemKind(
        404,
        "There is no such doctor",
        "No doctor of this clinic has that id, or the doctor was removed.",
        "List the doctors of the clinic and use an id from there.",
    ),
    Code.UNKNOWN_PATIENT: ProblemKind(
        404,
        "There is no such patient",
        "No patient of this clinic has that id, or the patient was removed.",
        "Register the patient first: the same person registered twice is one patient.",
    ),
    Code.UNKNOWN_APPOINTMENT: ProblemKind(
        404,
        "There is no such appointment",
        "No appointment of this clinic has that id.",
        "List the patient's appointments and use an id from there.",
    ),
    Code.UNKNOWN_COMMAND: ProblemKind(
        404,
        "There is no such command",
        "No command with that id was decided for you, and the ticket of an accepted one is missing or not genuine.",
        "Ask at the whole `Location` of the 202, with its `ticket`. Outcomes are kept for 30 days.",
    ),
    Code.UNKNOWN_CATEGORY: ProblemKind(
        404,
        "There is no such category",
        "No category of this clinic has that id.",
        "List the categories of the clinic and use an id from there.",
    ),
    Code.UNKNOWN_PRICE_RANGE: ProblemKind(
        404,
        "There is no such price range",
        "No price range of this clinic has that id.",
        "List the price ranges of the clinic and use an id from there.",
    ),
    Code.UNKNOWN_EXCEPTION: ProblemKind(
        404,
        "There is no such exception",
        "No exception of that doctor's calendar has that id.",
        "List the doctor's exceptions and use an id from there.",
    ),
    Code.NOT_FOUND: ProblemKind(
        404,
        "There is nothing here",
        "No resource has that path; a slash at the end counts.",
        "Compare the path with the OpenAPI document.",
    ),
    Code.METHOD_NOT_ALLOWED: ProblemKind(
        405,
        "The method is not allowed here",
        "The path exists, the method does not.",
        "Use one of the methods that the `Allow` header names.",
    ),
    Code.NO_SUCH_SLOT: ProblemKind(
        422,
        "There is no such slot",
        "The slot asked for is not published, its schedule has changed, or it has begun.",
        "Look at the open slots again and take one of those.",
    ),
    Code.PAST_DATE: ProblemKind(
        422,
        "The date is past",
        "The date is before today, in the time zone of the place where the doctor works.",
        "Ask for today or a later date.",
    ),
    Code.TOO_FAR: ProblemKind(
        422,
        "The date is beyond the booking horizon",
        "The date is later than the clinic takes bookings for (`booking_horizon_days`).",
        "Ask for an earlier date, or ask again when the date has come closer.",
    ),
    Code.TOO_SOON: ProblemKind(
        422,
        "What is free begins too soon",
        "All that is free of that day, or the slot asked for, has begun or begins earlier than the clinic takes bookings for"
        " (`lead_time_minutes`). Nothing was booked.",
        "Take a slot that begins later than `bookable_after`, which the answer names, or call the clinic.",
    ),
    Code.DOCTOR_ABSENT: ProblemKind(
        422,
        "The doctor does not work on that date",
        "The date is closed, the doctor's schedule has no hours on it, or the clinic gives no places to days that nobody opened.",
        "Take another day or another doctor. Staff give a date extra hours with `POST /doctors/{id}/exceptions`, open a closed"
        " date by deleting its exception, and open a single day of daily capacity with `POST /doctors/{id}/availability`.",
    ),
    Code.WRONG_PATIENT: ProblemKind(
        422,
        "The appointment belongs to another patient",
        "The appointment exists, and it is not that patient's.",
        "Send the patient of the appointment: it is in its `patient_id`.",
    ),
    Code.NOT_TODAY: ProblemKind(
        422,
        "The appointment is not today",
        "A patient checks in on the day of the appointment only, in the time zone of its place.",
        "Check in on that day.",
    ),
    Code.CANCELLED: ProblemKind(
        409,
        "The appointment is cancelled",
        "The appointment was cancelled, and a cancelled one never lives again.",
        "Book a new appointment.",
        "give_up",
    ),
    Code.EXPIRED: ProblemKind(
        409,
        "The hold has expired",
        "The place was held and not confirmed in time, so it was given back.",
        "Book a new appointment.",
        "give_up",
    ),
    Code.ALREADY_CHECKED_IN: ProblemKind(
        409,
        "The patient has checked in already",
        "This appointment has its place in the queue already.",
        "Nothing is to be done: the doctor's queue shows the position.",
        "give_up",
    ),
    Code.CHECKED_IN: ProblemKind(
        409,
        "The patient has checked in",
        "The patient is in the doctor's queue: what happens now is the desk's to decide.",
        "Ask the front desk, who see the queue.",
        "give_up",
    ),
    Code.NOT_CONFIRMED: ProblemKind(
        409,
        "The hold is not confirmed",
        "The place is only held: nobody confirmed the appointment.",
        "Confirm the appointment first.",
    ),
    Code.PAST: ProblemKind(
        409,
        "The appointment is past",
        "The day of the appointment is over, in the time zone of its place.",
        "Nothing is to be done: what is past stays as it was.",
        "give_up",
    ),
    Code.PAST_CUTOFF: ProblemKind(
        409,
        "It is too late to cancel or move",
        "The clinic's cut-off before the appointment is over: it can be neither cancelled nor moved by clients any more.",
        "Call the clinic: what happens now is its decision.",
        "give_up",
    ),
    Code.FULL: ProblemKind(
        409,
        "The day is full",
        "All places of that day are taken. Nothing was booked.",
        "Take another day or another doctor. A place that is cancelled later goes to whoever asks then, under a new key.",
    ),
    Code.SLOT_TAKEN: ProblemKind(
        409,
        "The slot is taken",
        "Another appointment has that slot. Nothing was booked. If it is the patient's own, `appointment_id` names it.",
        "With an `appointment_id` the patient has the slot already: read or confirm that one. Else take another open slot.",
    ),
    Code.PATIENT_BUSY: ProblemKind(
        409,
        "The patient has another appointment",
        "The patient has another live appointment at that time, or with that doctor that day where the clinic allows one only"
        " (`one_booking_per_patient_day`): `detail` says which. A booking by date is refused if the patient has no time for any"
        " open slot of it.",
        "Take another time, in the second case another day, or cancel the other appointment first: `appointment_id` names it.",
    ),
    Code.TOO_MANY_HOLDS: ProblemKind(
        409,
        "The patient holds too many places",
        "A patient has three live holds at most, so that nobody keeps places from others. Nothing was held.",
        "Confirm or cancel one of the patient's holds, or book without holding.",
    ),
    Code.TOO_LATE: ProblemKind(
        409,
        "The command was not decided in time; nothing was changed",
        "The command waited longer than its deadline (10 minutes) before it could be decided, so it was refused.",
        "Send the request again with a new key if it is still wanted.",
        "give_up",
    ),
    Code.LOST: ProblemKind(
        409,
        "The command never arrived; nothing was changed",
        "The command was accepted, but what should have decided it never did, so it was closed. It is refused for good.",
        "Send the request again with a new key if it is still wanted.",
        "give_up",
    ),
    Code.DUPLICATE_CODE: ProblemKind(
        409,
        "The code is taken",
        "Another doctor of this clinic has that `code`; upper and lower case are the same.",
        "Choose another code, or leave it out: one is made from the name.",
    ),
    Code.POSSIBLE_DUPLICATE: ProblemKind(
        409,
        "A patient with this phone number exists",
        "A patient with that phone is registered under another name or date of birth, or the same person without that extension."
        " `candidates` has the ids.",
        "Use a candidate if it is the same person; families share phones, so `?on_duplicate=create` registers another one.",
    ),
    Code.DUPLICATE_NAME: ProblemKind(
        409,
        "The name is taken",
        "Another entry of that table has the name; upper and lower case are the same.",
        "Use the entry that is there, or choose another name.",
    ),
    Code.NHS_NUMBER_TAKEN: ProblemKind(
        409,
        "Another patient has that NHS number",
        "An NHS number belongs to one person, and another patient of this clinic has it.",
        "Search by the number. If it is the same person, use that patient, or merge the two.",
    ),
    Code.PATIENT_MERGED: ProblemKind(
        409,
        "That patient was merged into another",
        "The id stands for the patient in `merged_into` since a merge. It was not deleted.",
        "Nothing is left to delete of the merged one. To delete the survivor, use the id in `merged_into`.",
    ),
    Code.HAS_APPOINTMENTS: ProblemKind(
        409,
        "There are appointments still to come",
        "The doctor or patient has live appointments of today or later, `count` of them. `appointments` has the first 50 ids.",
        "Cancel or move them first, or delete with `?cancel_appointments=true`, which cancels them.",
    ),
    Code.OVERLAPPING_APPOINTMENTS: ProblemKind(
        409,
        "Both patients have appointments at the same time",
        "After the merge one patient would be in two places. Nothing was moved; `appointments` has the first 50 ids of `count`.",
        "Cancel or move one of each two, then merge again.",
    ),
    Code.IN_USE: ProblemKind(
        409,
        "It is in use",
        "A doctor has that category or price range, or a schedule or exception needs that location.",
        "Take it away from what uses it first.",
    ),
    Code.STALE: ProblemKind(
        412,
        "It has changed since you read it",
        "The `If-Match` header names another version than the one that is there now; or an appointment that was to be displaced"
        " had been moved by then. Nothing was changed.",
        "Read it again, look at what changed, and send the change with the new `ETag`.",
    ),
    Code.BELOW_TAKEN: ProblemKind(
        409,
        "More slots are taken than the capacity asked for",
        "More places of that day are taken than the capacity asked for would leave.",
        "Ask for at least as many as are taken, or cancel appointments first.",
    ),
    Code.TIMED_DAY: ProblemKind(
        409,
        "The day follows a schedule",
        "The day's slots come from the doctor's schedule or extra hours: its capacity cannot be set as a number, and a date"
        " without hours cannot be opened.",
        "Give the date extra hours with `POST /doctors/{id}/exceptions`, delete the exception that closes it, or change the"
        " schedule.",
    ),
    Code.NOT_ACCEPTED: ProblemKind(
        503,
        "The command was not accepted",
        "The system is overloaded or cannot reach its log. The command was not taken, and nothing was changed.",
        "Wait as long as `Retry-After` says and send the same request again, with the same key.",
        "same_key",
    ),
    Code.UNKNOWN_OUTCOME: ProblemKind(
        503,
        "It is unknown whether the command arrived",
        "The command was sent on, and it was never confirmed that it arrived. It may still be done.",
        "Send the same request again with this answer's `Idempotency-Key`, or ask at its `Location`: it is done once at most.",
        "same_key",
    ),
    Code.UNAVAILABLE: ProblemKind(
        503,
        "A part of the system does not answer",
        "A service or a store that is needed for the answer is away for the moment.",
        "Send the same request again, with the same key, after `Retry-After` or some seconds.",
        "same_key",
    ),
    Code.INTERNAL: ProblemKind(
        500,
        "Something went wrong on our side",
        "An error that nobody foresaw. It was logged under the `correlation_id`.",
        "Send the same request again with the same key. If it is answered with `Idempotent-Replayed: true`, or `GET /commands` "
        "tells of it, the refusal is final and nothing was changed: use a new key, and report the `correlation_id`.",
        "same_key",
    ),
}


def kind_of(code: Code, later_status: int | None = None) -> ProblemKind:
    """What a code means. One that only a newer release knows has the status that came with it, else 409."""
    return PROBLEMS.get(code) or replace(_LATER, status=later_status or 409)


_LATER = ProblemKind(409, "Refused by a newer release", "A newer release refused it.", "Look the code up in its documents.")
