"""A clinic of extremes, written into the databases by the servers themselves: it takes seconds, and no statistics are gathered.

Called by `extremes.py`. What availability and booking know of one appointment has ids that both make of its number.
"""

import hashlib
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from benchmarks.stack import register
from deploy.embedded.servers import EmbeddedServers

DAYS, PLACES = 400, 1_000
PATIENTS, APPOINTMENTS, EXCEPTIONS = 100_000, 50_000, 1_000

PATIENTS_SQL = """
INSERT INTO patients (clinic_id, id, name, name_key, phone, phone_index, status, version, created_at, updated_at)
SELECT $1, md5('patient ' || n)::uuid, 'Ada Lind ' || n, 'ada lind ' || n, ('+4420' || lpad(n::text, 8, '0'))::bytea,
       sha256(n::text::bytea), 'active', 1, now(), now()
FROM generate_series(1, $2::int) AS n
"""
DAYS_SQL = """
INSERT INTO days (clinic_id, doctor_id, date, mode, available, time_zone)
SELECT $1, $2, current_date + n, 'daily', true, 'UTC' FROM generate_series(1, $3::int) AS n
"""
# Appointment n is on day n % days + 1 at the number n / days + 1.
SLOTS_SQL = """
INSERT INTO slots (id, clinic_id, doctor_id, date, number, state, reservation_id, appointment_id)
SELECT md5('slot ' || n)::uuid, $1, $2, current_date + 1 + n % $3, n / $3 + 1, CASE WHEN n < $5 THEN 'taken' ELSE 'free' END,
       CASE WHEN n < $5 THEN md5('reservation ' || n)::uuid END, CASE WHEN n < $5 THEN md5('appointment ' || n)::uuid END
FROM generate_series(0, $3::int * $4::int - 1) AS n
"""
APPOINTMENTS_SQL = """
INSERT INTO appointments (clinic_id, id, doctor_id, patient_id, date, time_zone, slot_id, slot_number, reservation_id, status,
                          exclusive_day, version, created_at, updated_at, command_id)
SELECT $1, md5('appointment ' || n)::uuid, $2, md5('patient ' || n % $5 + 1)::uuid, current_date + 1 + n % $3, 'UTC',
       md5('slot ' || n)::uuid, n / $3 + 1, md5('reservation ' || n)::uuid, 'booked', false, 1, now(), now(),
       md5('command ' || n)::uuid
FROM generate_series(0, $4::int - 1) AS n
"""
EXCEPTIONS_SQL = """
INSERT INTO exceptions (clinic_id, id, doctor_id, kind, from_date, to_date, start_minute, end_minute, slot_minutes, created_at)
SELECT $1, gen_random_uuid(), $2, CASE WHEN n % 2 = 0 THEN 'closed' ELSE 'extra' END, current_date + 2 + n % 360,
       current_date + 2 + n % 360, CASE WHEN n % 2 = 1 THEN 540 + n % 400 END, CASE WHEN n % 2 = 1 THEN 600 + n % 400 END,
       CASE WHEN n % 2 = 1 THEN 15 END, now() + n * interval '1 ms'
FROM generate_series(1, $3::int) AS n
"""


@dataclass(frozen=True)
class Extremes:
    """Who is there."""

    daily: str
    """Has numbered places on all days, and very many appointments."""
    timed: str
    """Gets hours of two zones."""
    exceptional: str
    """Has very many exceptions."""
    colleague: str
    patients: int

    @staticmethod
    def appointment(number: int) -> str:
        """The id of an appointment of the daily doctor."""
        return _made("appointment", number)

    def patient(self, number: int) -> str:
        """The id of the patient who has it."""
        return _made("patient", number % self.patients + 1)


async def fill(servers: EmbeddedServers, share: float) -> Extremes:
    """The clinic that open access acts for, with this share of everything that there is much of."""
    days, places, patients = (max(20, round(number * share)) for number in (DAYS, PLACES, PATIENTS))
    doctors, _ = await register(servers, 4, 1)
    daily, timed, exceptional, colleague = doctors
    appointments = min(round(APPOINTMENTS * share), days * places)
    availability = await asyncpg.connect(servers.postgres_dsn("availability"))
    clinic = await availability.fetchval("SELECT clinic_id FROM doctors LIMIT 1")
    await availability.execute(DAYS_SQL, clinic, UUID(daily), days)
    await availability.execute(SLOTS_SQL, clinic, UUID(daily), days, places, appointments)
    await availability.execute(EXCEPTIONS_SQL, clinic, UUID(exceptional), max(20, round(EXCEPTIONS * share)))
    await availability.close()
    booking = await asyncpg.connect(servers.postgres_dsn("booking"))
    await booking.execute(PATIENTS_SQL, clinic, patients)
    await booking.execute(APPOINTMENTS_SQL, clinic, UUID(daily), days, appointments, patients)
    await booking.close()
    return Extremes(daily, timed, exceptional, colleague, patients)


def _made(what: str, number: int) -> str:
    return str(UUID(hashlib.md5(f"{what} {number}".encode(), usedforsecurity=False).hexdigest()))
