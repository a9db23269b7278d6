"""What everything costs, by name: the one table that `test_statements.py` and `tests/e2e/test_costs.py` hold the system to.

Counts only, no clock. Whoever changes a number says in the commit why it had to go up.
"""

STATEMENTS: dict[str, dict[str, int]] = {
    "availability": {
        "bookings of new days": 13,
        "bookings": 12,
        "timed bookings": 12,
        "named bookings": 11,
        "moves": 13,
        "named moves": 11,
        "moves to the same day": 11,
        "bookings of strangers": 8,
        "late bookings": 6,
        "repeated bookings": 6,
        "released slots": 8,
        "released slots without rule": 9,
        "refused appointments": 8,
        "declined reservations": 13,
        "booked appointments": 4,
        "moved appointments": 4,
        "kept reservations": 4,
        "repeats": 3,
        "clinic settings": 6,
        "everything": 21,
    },
    "booking": {
        "reservations": 10,
        "reservations, one a day": 11,
        "timed reservations": 11,
        "reservations of merged patients": 11,
        "reservations of strangers": 9,
        "reservations again": 7,
        "refused bookings": 8,
        "holds": 12,
        "holds after others": 14,
        "confirmations": 10,
        "moves": 11,
        "timed moves": 12,
        "moves of nothing": 10,
        "kept places": 8,
        "refused moves": 9,
        "cancellations": 10,
        "check-ins": 10,
        "check-ins of merged patients": 11,
        "revoked slots": 8,
        "revoked slots of nobody": 5,
        "repeated check-ins": 7,
        "freed slots": 5,
        "queued patients": 5,
        "questions": 8,
        "questions about nothing": 10,
        "failures": 7,
        "repeats": 4,
        "clinic settings": 5,
        "everything": 26,
    },
    "queue": {
        "check-ins": 10,
        "check-ins of one day": 10,
        "check-ins again": 8,
        "reassigned appointments": 7,
        "repeats": 4,
        "clinic settings": 5,
        "everything": 14,
    },
}
"""The statements of one batch of any size, BEGIN and COMMIT among them."""

CALLS: dict[str, dict[str, int]] = {
    "availability": {
        "first schedule": 27,
        "the same schedule": 10,
        "another schedule": 28,
        "dry run of closed dates": 11,
        "closed dates": 27,
        "end of closed dates": 25,
        "another zone of a location": 34,
        "a day that is closed": 20,
        "a day that is made": 19,
        "a doctor who is deleted": 17,
    },
}
"""The statements of one registry call, BEGIN and COMMIT among them, and those by which the pool tries its connection. A change of
a calendar reads it twice: to plan without the lock of the doctor, and to compare under it."""

MESSAGES: dict[str, dict[str, int]] = {
    "booking": {"booking.commands": 1, "availability.events": 1, "appointment.events": 1, "gateway.replies": 1},
    "refused booking": {"booking.commands": 1, "availability.events": 1, "gateway.replies": 1},
    "repeated booking": {"booking.commands": 1, "availability.events": 1, "gateway.replies": 1},
    "check-in": {"appointment.commands": 1, "appointment.events": 1, "queue.events": 1, "gateway.replies": 1},
    "cancellation": {"appointment.commands": 1, "appointment.events": 2, "availability.events": 1, "gateway.replies": 1},
}
"""The messages of one command by topic, from the client's request to its answer. The gateway produces the first of them."""

ROUND_TRIPS: dict[str, dict[str, int]] = {
    "booking": {"redis": 2},
    "refused booking": {"redis": 2},
    "repeated booking": {},
    "check-in": {},
    "cancellation": {"redis": 2},
}
"""What one command asks of whom besides its batches: `redis` of Redis, `gateway.postgres` of the gateway's database, `owners` of
other services over HTTP. The ids that it names are known already."""
