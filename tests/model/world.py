"""The model: a clinic as the HTTP API promises it, small enough to see through. Written from the API's text, not from the code.

Doctors, patients, dates and appointments are numbers. A place is a number of a daily day, or the minute at which a slot begins.
Each method does what a client asks for and answers what the client must be told. `belief.py` keeps the worlds that may be.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Hours = tuple[int, ...]
"""The minutes at which a doctor's slots begin, on each day. None at all: the doctor has daily capacity."""
MAX_HOLDS = 3


class Place(NamedTuple):
    """Where an appointment is: a number of a day, or the start of a slot."""

    doctor: int
    date: int
    at: int


class Target(NamedTuple):
    """What is asked for: a place, or without `at` any of the day."""

    doctor: int
    date: int
    at: int | None = None


class Answer(NamedTuple):
    """What a client is told: a status, the code of a refusal, or what there is now."""

    status: int
    code: str | None = None
    seen: object = None


NO_SLOT, ABSENT = Answer(422, "no_such_slot"), Answer(422, "doctor_absent")
PENDING, BOOKED, CANCELLED, EXPIRED = "pending", "booked", "cancelled", "expired"
LIVE = (PENDING, BOOKED)


@dataclass
class Appointment:
    """An appointment, and what has happened to it so far."""

    patient: int
    place: Place
    status: str
    events: list[str]

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def seen(self) -> object:
        """What a client who was told of it must see."""
        return self.status, self.place


@dataclass
class Day:
    """A doctor's date. `taken` says whose each place is, also where that appointment has ended and its place is not back yet."""

    hours: Hours
    numbers: set[int] = field(default_factory=set)
    """Of a daily day."""
    taken: dict[int, int] = field(default_factory=dict)
    available: bool = True
    closings: int = 0

    @property
    def is_open(self) -> bool:
        return self.available and not self.closings

    @property
    def published(self) -> set[int]:
        """The places that somebody may have."""
        if not self.hours:
            return self.numbers
        return set() if self.closings else set(self.hours)

    @property
    def free(self) -> list[int]:
        return sorted(self.published - self.taken.keys())

    @property
    def seen(self) -> object:
        """How the day reads: whether it is open, its capacity, what remains."""
        return self.is_open, len(self.published | self.taken.keys()), len(self.free) if self.is_open else 0

    def resize(self, capacity: int) -> str | None:
        """Gives the day so many places: the lowest missing ones are made, the highest free ones go."""
        if self.hours:
            return "timed_day"
        if capacity < len(self.taken):
            return "below_taken"
        while len(self.numbers) > capacity:
            self.numbers.remove(self.free[-1])
        while len(self.numbers) < capacity:
            self.numbers.add(self._missing())
        return None

    def give_back(self, at: int) -> None:
        """A place is free again; a number above the capacity becomes the lowest that is missing."""
        del self.taken[at]
        if at in self.numbers and at > len(self.numbers):
            self.numbers.remove(at)
            self.numbers.add(self._missing())

    def _missing(self) -> int:
        return min(set(range(1, len(self.numbers) + 2)) - self.numbers)


@dataclass
class World:
    """A clinic."""

    days: dict[tuple[int, int], Day]
    patients: list[bool]
    """Whether each is in use."""
    appointments: list[Appointment] = field(default_factory=list)

    @classmethod
    def of(cls, hours: Sequence[Hours], dates: int, capacity: int, patients: int) -> "World":
        """Doctors with these hours; those without any have so many places on each date."""
        numbers = set(range(1, capacity + 1))
        days = {
            (doctor, date): Day(own, set() if own else set(numbers)) for doctor, own in enumerate(hours) for date in range(dates)
        }
        return cls(days, [True] * patients)

    def book(self, patient: int, target: Target, *, confirm: bool) -> Answer:
        """Books a place, or holds it."""
        if not self.patients[patient]:
            return Answer(404, "unknown_patient")
        found = self._find(target, patient)
        if isinstance(found, Answer):
            return found
        if self._is_busy(patient, found):
            return Answer(409, "patient_busy")
        if not confirm and sum(one.status == PENDING for one in self._of(patient)) >= MAX_HOLDS:
            return Answer(409, "too_many_holds")
        status, event = (BOOKED, "booked") if confirm else (PENDING, "held")
        self._day(found).taken[found.at] = len(self.appointments)
        self.appointments.append(Appointment(patient, found, status, [event]))
        return Answer(201, seen=(status, found))

    def confirm(self, number: int) -> Answer:
        """A hold becomes a booking; one that is booked stays so."""
        one = self.appointments[number]
        if not one.is_live:
            return Answer(409, one.status)
        if one.status == PENDING:
            one.status = BOOKED
            one.events.append("confirmed")
        return Answer(200, seen=one.seen)

    def cancel(self, number: int) -> Answer:
        """Ends an appointment; its place is free with the answer."""
        one = self.appointments[number]
        if one.status == EXPIRED:
            return Answer(409, EXPIRED)
        if one.is_live:
            self._end(one, CANCELLED)
            self._day(one.place).give_back(one.place.at)
        return Answer(200, seen=one.seen)

    def move(self, number: int, target: Target) -> Answer:
        """Gives an appointment another place; its old one is free with the answer. Where it is already, nothing changes."""
        one, day = self.appointments[number], self.days[target.doctor, target.date]
        if not self.patients[one.patient]:
            return Answer(404, "unknown_patient")
        stays = number in day.taken.values() if target.at is None else day.taken.get(target.at) == number
        found = self._find(target, one.patient, beside=one) if not stays else one.place if day.is_open else ABSENT
        if not one.is_live and found != ABSENT and found != NO_SLOT:
            return Answer(409, one.status)
        if isinstance(found, Answer):
            return found
        if self._is_busy(one.patient, found, beside=one):
            return Answer(409, "patient_busy")
        if not stays:
            self._day(found).taken[found.at] = number
            self._day(one.place).give_back(one.place.at)
            one.place = found
            one.events.append("moved")
        return Answer(200, seen=one.seen)

    def lapse(self, number: int) -> None:
        """The time of a hold is over. Whoever reads it sees that; its place comes back a little later."""
        self._end(self.appointments[number], EXPIRED)

    def delete_patient(self, patient: int, *, cancel: bool) -> Answer:
        """Deletes a patient with all that is booked, or not at all. The places come back a little later."""
        live = [one for one in self._of(patient) if one.is_live]
        if live and not cancel:
            return Answer(409, "has_appointments")
        for one in live:
            self._end(one, CANCELLED)
        self.patients[patient] = False
        return Answer(204)

    def register(self) -> None:
        """A new patient."""
        self.patients.append(True)

    def close(self, doctor: int, date: int) -> Answer:
        """Closes a date. Who is booked stays, and is told of."""
        day = self.days[doctor, date]
        day.closings += 1
        return Answer(201, seen=self._at(day))

    def reopen(self, doctor: int, date: int) -> Answer:
        """Ends a closing."""
        self.days[doctor, date].closings -= 1
        return Answer(204)

    def set_capacity(self, doctor: int, date: int, capacity: int) -> Answer:
        """Gives a day so many places."""
        day = self.days[doctor, date]
        refused = day.resize(capacity)
        return Answer(409, refused) if refused else Answer(200, seen=day.seen)

    def set_available(self, doctor: int, date: int, available: bool) -> Answer:
        """Marks a day as one on which the doctor is there, or is not."""
        day = self.days[doctor, date]
        if available and day.hours and not day.published:
            return Answer(409, "timed_day")
        day.available = available
        return Answer(200, seen=day.seen)

    def set_hours(self, doctor: int, hours: Hours) -> Answer:
        """Another week for a doctor who has one. Who has lost their hours is told of."""
        days = [day for (whose, _), day in self.days.items() if whose == doctor]
        for day in days:
            day.hours = hours
        return Answer(200, seen=frozenset(number for day in days for number in self._at(day, day.published)))

    def read_day(self, doctor: int, date: int) -> Answer:
        """A day as it reads."""
        return Answer(200, seen=self.days[doctor, date].seen)

    def read_open(self, doctor: int, date: int) -> Answer:
        """The starts of slots that can be booked now; numbers have none."""
        day = self.days[doctor, date]
        return Answer(200, seen=tuple(day.free) if day.hours and day.is_open else ())

    def read(self, number: int) -> Answer:
        """An appointment."""
        return Answer(200, seen=self.appointments[number].seen)

    @property
    def owed(self) -> list[Place]:
        """The places of appointments that have ended, which are not back yet."""
        return [
            Place(*key, at)
            for key, day in self.days.items()
            for at, number in day.taken.items()
            if not self.appointments[number].is_live
        ]

    def give_back(self, places: Iterable[Place]) -> None:
        """These places are back."""
        for place in places:
            self._day(place).give_back(place.at)

    def _find(self, target: Target, patient: int, beside: Appointment | None = None) -> Place | Answer:
        """The place that a patient gets who asks for this, or why there is none. Of a day it is the first with time."""
        day = self.days[target.doctor, target.date]
        if target.at is not None and target.at not in day.published:
            return NO_SLOT
        if not day.is_open:
            return ABSENT
        if target.at is None:
            places = [Place(target.doctor, target.date, at) for at in day.free]
            none = Answer(409, "patient_busy" if places else "full")
            return next((place for place in places if not self._is_busy(patient, place, beside)), none)
        return Answer(409, "slot_taken") if target.at in day.taken else Place(target.doctor, target.date, target.at)

    def _is_busy(self, patient: int, place: Place, beside: Appointment | None = None) -> bool:
        """Whether a patient is elsewhere at that time. Numbers have no times, so they stand in nobody's way."""
        return bool(self._day(place).hours) and any(
            one.is_live and one is not beside and self._day(one.place).hours and one.place[1:] == place[1:]
            for one in self._of(patient)
        )

    def _of(self, patient: int) -> list[Appointment]:
        return [one for one in self.appointments if one.patient == patient]

    def _at(self, day: Day, published: Iterable[int] = ()) -> frozenset[int]:
        """Live appointments on a day, but those at published places."""
        there = {number for at, number in day.taken.items() if at not in set(published)}
        return frozenset(number for number in there if self.appointments[number].is_live)

    def _day(self, place: Place) -> Day:
        return self.days[place.doctor, place.date]

    @staticmethod
    def _end(one: Appointment, status: str) -> None:
        one.status = status
        one.events.append(status)
