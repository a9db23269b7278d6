"""The batches of availability: of days and places, and of what asks for nothing but an answer."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID, uuid4

from shared.contracts.appointments import Status
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentMoved,
    AppointmentRefused,
    BookAppointment,
    Purpose,
    RescheduleAppointment,
    ReservationDeclined,
    ReservationKept,
    SlotReleased,
)
from shared.contracts.commands import Answer, CommandRepeated
from shared.contracts.envelope import DayMessage, Message
from shared.contracts.problems import Code
from tests.integration.availability.availability import ANSWER, Availability, book, envelope, move, releases
from tests.integration.costs.batches import CLINIC_SETTINGS, REPLY, Batch
from tests.integration.costs.consumer import Consumer
from tests.support import rows
from tests.support.dates import in_days

DUE = "INSERT INTO publications (clinic_id, doctor_id, due_at) VALUES ($1, $2, $3)"
"""When the slots of a doctor with hours are brought into line again."""
DAYS = [in_days(number) for number in range(2, 252)]


async def bookings_of_new_days(consumer: Consumer, size: int) -> list[Message]:
    doctors = [await _doctor(consumer) for _ in range(size // len(DAYS) + 1)]
    return [book(consumer.clinic, doctors[n // len(DAYS)], DAYS[n % len(DAYS)]) for n in range(size)]


async def bookings(consumer: Consumer, size: int) -> list[Message]:
    """A place of a day that is there, of each day one."""
    opening = await bookings_of_new_days(consumer, size)
    await consumer.read(opening)
    return [book(m.clinic_id, m.doctor_id, m.date) for m in opening if isinstance(m, BookAppointment)]


async def timed_bookings(consumer: Consumer, size: int) -> list[Message]:
    """By date, of each day the only slot; and so many doctors that no two need the same."""
    doctors = [await _doctor(consumer) for _ in range(size // len(DAYS) + 1)]
    async with consumer.runtime.database.batch({consumer.clinic}) as (connection, now):
        await rows.add_timed_slots(connection, consumer.clinic, rows.slots_of_days(doctors, DAYS, dt.time(9)))
        later = now + dt.timedelta(hours=1)
        await connection.executemany(DUE, [(consumer.clinic, doctor, later) for doctor in doctors])
    return [book(consumer.clinic, doctors[n // len(DAYS)], DAYS[n % len(DAYS)]) for n in range(size)]


async def named_bookings(consumer: Consumer, size: int) -> list[Message]:
    """Each names a slot that is there: the highest number of its day."""
    opening = await bookings_of_new_days(consumer, size)
    await consumer.read(opening)
    lasts = zip(opening, await _last_slots(consumer, opening), strict=True)
    return [book(m.clinic_id, m.doctor_id, m.date, slot_id=slot) for m, slot in lasts if isinstance(m, BookAppointment)]


async def moves(consumer: Consumer, size: int) -> list[Message]:
    """To any place of a day of another doctor, which is there."""
    opening = await bookings_of_new_days(consumer, size)
    await consumer.read(opening)
    held = await _reserved(consumer, size)
    return [move(slot, m.doctor_id, m.date) for slot, m in zip(held, opening, strict=True) if isinstance(m, BookAppointment)]


async def named_moves(consumer: Consumer, size: int) -> list[Message]:
    """Each to the highest number of its own day."""
    held = await _reserved(consumer, size)
    lasts = await _last_slots(consumer, held)
    return [move(slot, slot.doctor_id, slot.date, slot_id=last) for slot, last in zip(held, lasts, strict=True)]


async def moves_to_the_same_day(consumer: Consumer, size: int) -> list[Message]:
    return [move(slot, slot.doctor_id, slot.date) for slot in await _reserved(consumer, size)]


async def bookings_of_strangers(consumer: Consumer, size: int) -> list[Message]:
    return [book(consumer.clinic, uuid4()) for _ in range(size)]


async def late_bookings(consumer: Consumer, size: int) -> list[Message]:
    """They lock no doctor and make no day."""
    past = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    doctor = await _doctor(consumer)
    return [book(consumer.clinic, doctor, decide_by=past) for _ in range(size)]


async def repeated_bookings(consumer: Consumer, size: int) -> list[Message]:
    first = await bookings_of_new_days(consumer, size)
    await consumer.read(first)
    return first


async def released_slots(consumer: Consumer, size: int) -> list[Message]:
    return [releases(slot) for slot in await _reserved(consumer, size)]


async def released_slots_without_rule(consumer: Consumer, size: int) -> list[Message]:
    """They go, and their doctors' calendars are due."""
    slots = await _timed(consumer, size)
    await Availability(consumer.runtime.database, consumer.clinic).execute(
        "UPDATE slots SET published = false WHERE state = 'taken'"
    )
    return [releases(slot) for slot in slots]


async def refused_appointments(consumer: Consumer, size: int) -> list[Message]:
    return [
        AppointmentRefused(
            **envelope(slot.clinic_id), doctor_id=slot.doctor_id, date=slot.date, answer=Answer.refusal(Code.LOST),
            appointment_id=slot.appointment_id, slot_id=slot.slot_id, reservation_id=slot.reservation_id,
        )
        for slot in await _reserved(consumer, size)
    ]  # fmt: skip


async def declined_reservations(consumer: Consumer, size: int) -> list[Message]:
    return [
        ReservationDeclined(
            **envelope(slot.clinic_id), doctor_id=slot.doctor_id, date=slot.date, patient_id=slot.patient_id,
            appointment_id=slot.appointment_id, slot_id=slot.slot_id, reservation_id=slot.reservation_id, purpose=Purpose.BOOK,
            busy=[],
        )
        for slot in await _reserved(consumer, size)
    ]  # fmt: skip


async def booked_appointments(consumer: Consumer, size: int) -> list[Message]:
    return [
        AppointmentBooked(
            **envelope(slot.clinic_id), doctor_id=slot.doctor_id, date=slot.date, patient_id=slot.patient_id,
            appointment_id=slot.appointment_id, slot_id=slot.slot_id, slot_number=slot.slot_number, version=1,
            reservation_id=slot.reservation_id, status=Status.BOOKED,
        )
        for slot in await _reserved(consumer, size)
    ]  # fmt: skip


async def moved_appointments(consumer: Consumer, size: int) -> list[Message]:
    return [
        AppointmentMoved(
            **envelope(slot.clinic_id), doctor_id=slot.doctor_id, date=slot.date, patient_id=slot.patient_id,
            appointment_id=slot.appointment_id, slot_id=slot.slot_id, slot_number=slot.slot_number, version=2,
            reservation_id=slot.reservation_id, status=Status.BOOKED, from_doctor_id=uuid4(), from_date=in_days(1),
        )
        for slot in await _reserved(consumer, size)
    ]  # fmt: skip


async def kept_reservations(consumer: Consumer, size: int) -> list[Message]:
    return [
        ReservationKept(
            **envelope(slot.clinic_id), doctor_id=slot.doctor_id, date=slot.date, appointment_id=slot.appointment_id,
            slot_id=slot.slot_id, reservation_id=slot.reservation_id,
        )
        for slot in await _reserved(consumer, size)
    ]  # fmt: skip


async def repeats(consumer: Consumer, size: int) -> list[Message]:
    """Answers to pass on to whoever asked again."""
    return [CommandRepeated(**envelope(consumer.clinic), doctor_id=uuid4(), date=in_days(1), answer=ANSWER) for _ in range(size)]


async def _doctor(consumer: Consumer) -> UUID:
    return await Availability(consumer.runtime.database, consumer.clinic).doctor()


async def _last_slots(consumer: Consumer, days: Sequence[Message]) -> list[UUID]:
    """Of each of these days the slot of the highest number."""
    sql = "SELECT DISTINCT ON (doctor_id, date) doctor_id, date, id FROM slots ORDER BY doctor_id, date, number DESC"
    rows = await Availability(consumer.runtime.database, consumer.clinic).rows(sql)
    found = {(doctor, date): id_ for doctor, date, id_ in rows}
    return [found[day.doctor_id, day.date] for day in days if isinstance(day, DayMessage)]


async def _timed(consumer: Consumer, size: int) -> list[SlotReserved]:
    return await consumer.said(await timed_bookings(consumer, size), SlotReserved)


async def _reserved(consumer: Consumer, size: int) -> list[SlotReserved]:
    return await consumer.said(await bookings_of_new_days(consumer, size), SlotReserved)


BATCHES = (
    Batch("bookings of new days", BookAppointment, bookings_of_new_days, {"SlotReserved": 1}),
    Batch("bookings", BookAppointment, bookings, {"SlotReserved": 1}),
    Batch("timed bookings", BookAppointment, timed_bookings, {"SlotReserved": 1}),
    Batch("named bookings", BookAppointment, named_bookings, {"SlotReserved": 1}),
    Batch("moves", RescheduleAppointment, moves, {"SlotReserved": 1}),
    Batch("named moves", RescheduleAppointment, named_moves, {"SlotReserved": 1}),
    Batch("moves to the same day", RescheduleAppointment, moves_to_the_same_day, {"SlotKept": 1}),
    Batch("bookings of strangers", BookAppointment, bookings_of_strangers, {"BookingRefused": 1}),
    Batch("late bookings", BookAppointment, late_bookings, {"BookingRefused": 1}),
    Batch("repeated bookings", BookAppointment, repeated_bookings, {"CommandRepeated": 1}),
    Batch("released slots", SlotReleased, released_slots, {"SlotFreed": 1} | REPLY),
    Batch("released slots without rule", SlotReleased, released_slots_without_rule, {"SlotFreed": 1} | REPLY),
    Batch("refused appointments", AppointmentRefused, refused_appointments, {"SlotFreed": 1} | REPLY),
    Batch("declined reservations", ReservationDeclined, declined_reservations, {"SlotReserved": 1}),
    Batch("booked appointments", AppointmentBooked, booked_appointments),
    Batch("moved appointments", AppointmentMoved, moved_appointments),
    Batch("kept reservations", ReservationKept, kept_reservations),
    Batch("repeats", CommandRepeated, repeats, REPLY),
    CLINIC_SETTINGS,
)
