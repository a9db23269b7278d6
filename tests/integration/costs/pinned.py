"""What everything costs, by name: the one table that `test_statements.py` and `tests/e2e/test_costs.py` hold the system to.

Counts only, no clock. Whoever changes a number says in the commit why it had to go up.
"""

STATEMENTS: dict[str, dict[str, int]] = {
    "availability": {
        "bookings of new days": 12,
        "bookings": 11,
        "bookings of strangers": 8,
        "late bookings": 7,
        "repeated bookings": 6,
        "released slots": 7,
        "refused appointments": 7,
        "booked appointments": 0,
        "repeats": 3,
        "clinic settings": 5,
        "everything": 15,
    },
    "booking": {
        "reservations": 9,
        "reservations, one a day": 10,
        "reservations of strangers": 8,
        "reservations again": 7,
        "refused bookings": 7,
        "cancellations": 9,
        "check-ins": 9,
        "repeated check-ins": 7,
        "freed slots": 5,
        "queued patients": 5,
        "repeats": 4,
        "clinic settings": 5,
        "everything": 16,
    },
    "queue": {
        "arrivals": 9,
        "arrivals of one day": 9,
        "arrivals again": 8,
        "repeats": 4,
        "clinic settings": 5,
        "everything": 11,
    },
}
"""The statements of one batch of any size, BEGIN and COMMIT among them."""
