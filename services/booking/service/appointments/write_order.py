"""The order in which a batch writes its appointments, so that no constraint meets a state that the calendar has not judged.

The nth move of each patient is written in round n, and behind it what the patient then books. So a batch without moves is written
by one statement, and any other by two for each round. Used by `batch.py`.
"""

from collections import Counter, defaultdict

from services.booking.domain.appointments import Appointment
from services.booking.domain.keys import RowKey
from services.booking.repository import appointments, hold_timers
from shared.contracts.appointments import Status
from shared.infra.postgres import Connection


class WriteOrder:
    """The appointments that a batch has booked and moved, by the round in which they are written."""

    def __init__(self) -> None:
        self._moves_of_patient: Counter[RowKey] = Counter()
        self._moved: defaultdict[int, list[Appointment]] = defaultdict(list)
        self._booked: defaultdict[int, list[Appointment]] = defaultdict(list)

    def book(self, appointment: Appointment) -> None:
        """Adds a new appointment, behind what its patient has moved so far."""
        self._booked[self._moves_of_patient[appointment.patient_key]].append(appointment)

    def move(self, appointment: Appointment) -> None:
        """Adds a moved appointment, behind all of its patient so far."""
        self._moves_of_patient[appointment.patient_key] += 1
        self._moved[self._moves_of_patient[appointment.patient_key]].append(appointment)

    async def write(self, connection: Connection) -> None:
        """Writes the rounds, and starts the timers of new holds."""
        for number in sorted(self._moved.keys() | self._booked.keys()):
            if moved := self._moved.get(number):
                await appointments.move(connection, moved)
            if booked := self._booked.get(number):
                await appointments.insert(connection, booked)
        if held := [one for booked in self._booked.values() for one in booked if one.status is Status.PENDING]:
            await hold_timers.start(connection, held)
