"""What the OpenAPI document says of the API as a whole. Used by `app.py`."""

DESCRIPTION = """\
The scheduling core of clinics. Commands (book, confirm, reschedule, cancel, check in) are answered with their final
status, or with `202` and a `Location` to ask again. Every error is a problem of RFC 9457 with a `code` of a closed list. An
`Idempotency-Key` makes a repeat safe: it gets the stored answer, marked by `Idempotent-Replayed: true`. What is changed has an
`ETag`; a change with `If-Match` is refused with `412` if another came before it. Whatever answers `GET` answers `HEAD`.
Any request can be refused with `400`: `invalid_request` if it is no HTTP, `invalid_header` if its `Host` is missing,
sent twice or none.
"""
TAGS = [
    {"name": "Clinic", "description": "What the clinic decides for itself."},
    {"name": "Patients", "description": "Who is booked."},
    {"name": "Directory", "description": "The static tables that doctors are found by."},
    {"name": "Doctors", "description": "Who is booked with, and where."},
    {"name": "Calendar", "description": "When a doctor works: days, weekly schedule, exceptions, open slots."},
    {"name": "Appointments", "description": "Booking, holding, moving and cancelling."},
    {"name": "Check-in", "description": "Who is here, and the queue in front of the doctor."},
    {"name": "Commands", "description": "What became of a command."},
    {"name": "System", "description": "How the system is."},
]
