"""The order in which a batch writes its appointments, so that no constraint meets a state that the calendar has not judged.

The nth move of each patient is written in round n, and behind it what the patient then books. So a batch without moves is written
by one statement, and any other by two for each round. Called by `bookings.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from services.booking.domain.appointments import Appointment
from services.booking.domain.keys import RowKey
from services.booking.repository import appointments, hold_timers
from shared.contracts.appointments import Status
from shared.infra.postgres import Connection


async def write_in_rounds(connection: Connection, changed: Sequence[Appointment]) -> None:
    """Writes what a batch has booked and moved, in the order in which it was decided, and starts the timers of new holds.

    A new appointment is of version 1, a moved one of a later version: what a batch books it cannot move, for it moves only what
    it locked when it began.
    """
    moves_of_patient: Counter[RowKey] = Counter()
    moved, booked = defaultdict[int, list[Appointment]](list), defaultdict[int, list[Appointment]](list)
    for one in changed:
        if one.version > 1:
            moves_of_patient[one.patient_key] += 1
            moved[moves_of_patient[one.patient_key]].append(one)
        else:
            booked[moves_of_patient[one.patient_key]].append(one)
    for number in sorted(moved.keys() | booked.keys()):
        if number in moved:
            await appointments.move(connection, moved[number])
        if number in booked:
            await appointments.insert(connection, booked[number])
    if held := [one for new in booked.values() for one in new if one.status is Status.PENDING]:
        await hold_timers.start(connection, held)
