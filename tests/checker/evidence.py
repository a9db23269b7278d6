"""All that the checker has seen, put together: the clients' history, the log, the rows. Invariants are functions of it.

`gather` reads it; with `doctors` only what concerns these, so that tests which share a system judge their own part of it.
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from aiokafka.errors import KafkaError
from asyncpg import PostgresError

from tests.checker import dump, sql
from tests.checker.dump import COMMANDS, EVENTS, REGISTRY, Record
from tests.checker.history import Entry, History
from tests.checker.sql import Owed, Row, Rows, Tables

CLIENTS_COMMANDS = {
    "BookAppointment": "AppointmentBooked",
    "CancelAppointment": "AppointmentCancelled",
    "CheckInPatient": "PatientCheckedIn",
    "ConfirmAppointment": "AppointmentConfirmed",
    "RescheduleAppointment": "AppointmentMoved",
}
"""The commands of clients, and the event that each has as its effect."""
LIVE = ("pending", "booked", "checked_in")
"""In these states an appointment holds its slot."""
SAID = (*COMMANDS, *EVENTS, REGISTRY)
"""Topics on which services and clients say something new."""
OF_A_DOCTOR = ("days", "slots", "exceptions", "day_sets", "appointments", "queue_days", "entries")
"""Tables whose rows name their doctor."""


@dataclass(frozen=True)
class Evidence:
    """What there is to judge by."""

    history: list[Entry] = field(default_factory=list)
    log: list[Record] = field(default_factory=list)
    tables: Tables = field(default_factory=Tables)
    owed: Mapping[str, Owed] = field(default_factory=dict)
    lag: Mapping[str, int] = field(default_factory=dict)
    injected: Collection[bytes] = ()
    """Bodies of the records that are meant to be dead letters."""
    now: datetime | None = None
    """The database's time at which the rows were read."""
    seconds: float = 0.0
    """So long it took until nothing was owed."""

    @cached_property
    def messages(self) -> list[Record]:
        """What was said: dead letters and redriven ones are copies, and what was to become a dead letter asks nothing."""
        return [one for one in self.log if one.topic in SAID and one.value not in self.injected]

    @cached_property
    def commands(self) -> dict[str, list[Record]]:
        """Every arrival of each client's command, by command id."""
        found: dict[str, list[Record]] = {}
        for one in self.messages:
            if one.topic in COMMANDS and one.type in CLIENTS_COMMANDS:
                found.setdefault(str(one.fields.get("command_id")), []).append(one)
        return found

    @cached_property
    def displaced(self) -> set[str]:
        """The commands of moves that the clinic made: no client sent them, their reservations brought them in."""
        reserved = (one for one in self.events("SlotReserved") if one.fields.get("purpose") == "displace")
        return {str(one.fields.get("command_id")) for one in reserved}

    def events(self, *types: str) -> list[Record]:
        """The events of these types in the order of the log, each event id once."""
        first: dict[str, Record] = {}
        for one in self.messages:
            if one.type in types and one.topic not in COMMANDS:
                first.setdefault(one.message_id, one)
        return list(first.values())

    def rows(self, table: str) -> Rows:
        """The rows of a table that only one database has."""
        return next((tables[table] for tables in self.tables.rows.values() if table in tables), [])

    @cached_property
    def answers(self) -> dict[tuple[str, str], list[Entry]]:
        """What clients were told of each command, by operation and key."""
        found: dict[tuple[str, str], list[Entry]] = {}
        for entry in self.history:
            found.setdefault(entry.command, []).append(entry)
        return found

    @cached_property
    def told(self) -> dict[str, Entry]:
        """The last final answer to each command, by command id."""
        return {entry.command_id: entry for entry in self.history if entry.command_id and entry.is_final}

    @cached_property
    def appointments(self) -> dict[str, Row]:
        """All appointments by id."""
        return {row["id"]: row for row in self.rows("appointments")}

    @cached_property
    def outcomes(self) -> dict[str, Row]:
        """Booking's outcomes of clients' commands, by command id."""
        rows = self.tables.of("booking", "outcomes")
        return {row["command_id"]: row for row in rows if row["type"] in CLIENTS_COMMANDS}

    @cached_property
    def moves(self) -> dict[str, list[Record]]:
        """The moves of each appointment, in the order of their versions."""
        found: dict[str, list[Record]] = {}
        for one in sorted(self.events("AppointmentMoved"), key=lambda one: one.fields["version"]):
            found.setdefault(str(one.fields.get("appointment_id")), []).append(one)
        return found

    @cached_property
    def live(self) -> Rows:
        """The appointments that hold a slot."""
        return [row for row in self.rows("appointments") if row["status"] in LIVE]

    @cached_property
    def _merged(self) -> dict[str, str]:
        return {row["id"]: row["merged_into"] for row in self.rows("patients") if row["merged_into"] is not None}

    def survivor(self, patient: Any) -> Any:
        """Who a patient is by now: merged patients are the one that they were merged into."""
        return self._merged.get(patient, patient)


async def gather(
    history: History,
    bootstrap: str,
    dsns: Mapping[str, str],
    *,
    doctors: Collection[str] | None = None,
    injected: Collection[bytes] = (),
    within_seconds: float,
) -> Evidence:
    """Everything, as soon as nothing is owed any more; at the deadline, as it is then."""
    began = time.monotonic()
    lag, owed = await _quiet(bootstrap, dsns, began + within_seconds)
    seconds = time.monotonic() - began
    log, now, tables = await dump.records(bootstrap), await sql.now(dsns), await sql.tables(dsns)
    if doctors is not None:
        log, tables = _of(set(doctors), history.entries, log, tables)
    return Evidence(history.entries, log, tables, owed, lag, injected, now, seconds)


async def _quiet(bootstrap: str, dsns: Mapping[str, str], deadline: float) -> tuple[dict[str, int], dict[str, Owed]]:
    """What is owed when nothing is, or at the deadline. Two looks in a row: what one process settles, another may go on with.

    Servers that have just come back may not answer at once; one that does not by the deadline is an error.
    """
    still = 0
    while True:
        try:
            lag, owed = await dump.lag(bootstrap), await sql.owed(dsns)
        except (KafkaError, PostgresError, OSError):
            if time.monotonic() >= deadline:
                raise
            still = 0
        else:
            still = 0 if any(lag.values()) or any(one != Owed() for one in owed.values()) else still + 1
            if still == LOOKS or time.monotonic() >= deadline:
                return lag, owed
        await asyncio.sleep(LOOK_SECONDS)


LOOKS = 2
LOOK_SECONDS = 0.5


def _of(doctors: set[str], history: Iterable[Entry], log: list[Record], tables: Tables) -> tuple[list[Record], Tables]:
    """The part of log and rows that concerns these doctors, their appointments and the history's own commands."""
    appointments = {one.fields.get("appointment_id") for one in log if one.fields.get("doctor_id") in doctors} - {None}
    asked = {entry.command_id for entry in history} - {None}
    commands = asked | {one.fields.get("command_id") for one in log if _concerns(one, doctors, appointments)} - {None}

    def kept(table: str, row: Row) -> bool:
        if table in OF_A_DOCTOR:
            return row["doctor_id"] in doctors
        if table == "changes":
            return row["appointment_id"] in appointments
        return row["command_id"] in commands if table == "outcomes" else True

    records = [one for one in log if one.topic == REGISTRY or one.is_dead_letter or _concerns(one, doctors, appointments, asked)]
    rows = {
        database: {table: [row for row in found if kept(table, row)] for table, found in named.items()}
        for database, named in tables.rows.items()
    }
    return records, Tables(rows)


def _concerns(one: Record, doctors: set[str], appointments: set[object], commands: Collection[object] = ()) -> bool:
    fields = one.fields
    return (
        fields.get("doctor_id") in doctors or fields.get("appointment_id") in appointments or fields.get("command_id") in commands
    )
