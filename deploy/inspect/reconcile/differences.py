"""Finds where the services do not agree: each difference with its ids and with what would mend it. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.inspect.reconcile.snapshot_rows import ComparedRows
from shared.contracts.appointments import LIVE, Status

ARRIVED = (Status.CHECKED_IN, Status.FULFILLED, Status.NO_SHOW)
"""The statuses of an appointment whose patient is, or was, in a queue."""
REVOCABLE = (Status.PENDING, Status.BOOKED)
"""The statuses of an appointment that is cancelled when its doctor is deleted. Whoever has checked in stays."""
SAME = ("slot_id", "appointment_id", "doctor_id", "date", "starts_at", "ends_at")
"""What a slot and the appointment that holds it agree in, beside their number."""


@dataclass(frozen=True)
class Difference:
    """One difference. `kind` and `ids` name it: found twice, it is the same."""

    kind: str
    service: str
    ids: tuple[tuple[str, str], ...]
    detail: str
    mend: str

    @property
    def name(self) -> tuple[Any, ...]:
        return self.kind, self.service, self.ids


def difference(kind: str, service: str, row: Mapping[str, Any], names: Iterable[str], detail: str, mend: str) -> Difference:
    """A difference with ids out of a row."""
    return Difference(kind, service, tuple((name, str(row[name])) for name in names), detail, mend)


def differences(compared: ComparedRows) -> list[Difference]:
    """All of them, in the order in which a booking passes through the services."""
    return [
        *slots_and_appointments(compared),
        *outcomes_and_appointments(compared),
        *arrivals_and_entries(compared),
        *positions(compared),
        *overdue(compared),
        *copies(compared),
    ]


def slots_and_appointments(compared: ComparedRows) -> Iterator[Difference]:
    """Every taken slot has a live appointment that holds exactly this reservation, and the other way round."""
    taken = {(row["clinic_id"], row["reservation_id"]): row for row in compared.slots}
    live = {(row["clinic_id"], row["reservation_id"]): row for row in compared.appointments if row["status"] in LIVE}
    held_by = {(row["clinic_id"], row["appointment_id"]): row for row in live.values()}
    for key in taken.keys() - live.keys():
        slot = taken[key]
        if holder := held_by.get((slot["clinic_id"], slot["appointment_id"])):
            yield difference(
                "old_place_taken", "availability", slot, ("slot_id", "reservation_id", "appointment_id"),
                f"the slot is taken for an appointment that holds slot {holder['slot_id']}",
                "redrive its SlotReleased, or the AppointmentRefused of a move that was refused",
            )  # fmt: skip
            continue
        yield difference(
            "slot_without_appointment", "availability", taken[key], ("slot_id", "reservation_id", "appointment_id"),
            "the slot is taken, no live appointment holds it", "release the reservation (SlotReleased)",
        )  # fmt: skip
    for key in live.keys() - taken.keys():
        yield difference(
            "appointment_without_slot", "booking", live[key], ("appointment_id", "reservation_id", "slot_id"),
            "the appointment is live, its slot is not taken by its reservation", "move it to a free slot, or cancel it",
        )  # fmt: skip
    for key in taken.keys() & live.keys():
        slot, held = taken[key], live[key]
        if any(slot[name] != held[name] for name in SAME) or slot["number"] != held["slot_number"]:
            yield difference(
                "slot_differs", "booking", held, ("appointment_id", "slot_id"),
                f"slot {slot['number']} of {slot['date']} is booked as {held['slot_number']} of {held['date']}",
                "follow the slot's row",
            )  # fmt: skip
        if slot["revoked"] and held["status"] in REVOCABLE:
            yield difference(
                "revoked_slot_held", "booking", held, ("appointment_id", "reservation_id", "slot_id"),
                "the doctor is deleted, the appointment lives", "redrive its SlotRevoked, or cancel the appointment",
            )  # fmt: skip


def outcomes_and_appointments(compared: ComparedRows) -> Iterator[Difference]:
    """A client who was told of a booking finds it; an appointment lives only if its client was not refused."""
    refused = {(row["clinic_id"], row["command_id"]): row for row in compared.decided if row["code"]}
    for row in compared.decided:
        if not row["code"] and not row["found"]:
            yield difference(
                "outcome_without_appointment", "booking", row, ("command_id", "appointment_id"),
                "the client was told of an appointment that is not there", "tell the client; frontdesk explain the command",
            )  # fmt: skip
    for row in compared.appointments:
        if row["status"] in LIVE and (outcome := refused.get((row["clinic_id"], row["command_id"]))):
            yield difference(
                "appointment_of_refused", "booking", row, ("appointment_id", "command_id"),
                f"the appointment lives, its client was refused {outcome['code']}", "cancel the appointment",
            )  # fmt: skip


def arrivals_and_entries(compared: ComparedRows) -> Iterator[Difference]:
    """Every patient who checked in has a place in the queue, under the same id, and nobody else."""
    arrived = {(row["clinic_id"], row["appointment_id"]): row for row in compared.appointments if row["status"] in ARRIVED}
    queued = {(row["clinic_id"], row["appointment_id"]): row for row in compared.entries}
    for key in arrived.keys() - queued.keys():
        yield difference(
            "arrival_without_entry", "queue", arrived[key], ("appointment_id",),
            "the patient has checked in and has no place in the queue", "redrive its PatientCheckedIn, or say it again",
        )  # fmt: skip
    for key in queued.keys() - arrived.keys():
        yield difference(
            "entry_without_arrival", "queue", queued[key], ("entry_id", "appointment_id"),
            "the queue has a place for an appointment that is not checked in", "take the entry out of the queue",
        )  # fmt: skip
    for key in queued.keys() & arrived.keys():
        if queued[key]["patient_id"] != arrived[key]["patient_id"]:
            yield difference(
                "entry_of_another_patient", "queue", queued[key], ("entry_id", "appointment_id", "patient_id"),
                f"the appointment is patient {arrived[key]['patient_id']}'s", "redrive its AppointmentReassigned",
            )  # fmt: skip


def positions(compared: ComparedRows) -> Iterator[Difference]:
    """Positions of a day are 1..n, and its counter is n."""
    days = {(row["clinic_id"], row["doctor_id"], row["date"]): row for row in compared.queue_days}
    given = Counter((row["clinic_id"], row["doctor_id"], row["date"]) for row in compared.entries)
    for key, day in days.items():
        if given[key] != day["last_position"]:
            yield difference(
                "positions_differ", "queue", day, ("clinic_id", "doctor_id", "date"),
                f"{given[key]} entries, the last position given is {day['last_position']}", "rows are gone: see the audit trail",
            )  # fmt: skip


def overdue(compared: ComparedRows) -> Iterator[Difference]:
    """What should have ended by itself by now."""
    for row in compared.unsettled:
        yield difference(
            "outcome_unsettled", "booking", row, ("command_id",),
            f"{row['type']} was decided {row['decided_at']:%Y-%m-%d %H:%M:%SZ}; its last step is still owed",
            f"frontdesk explain {row['command_id']}; redrive its dead letter if it has one",
        )  # fmt: skip
    for row in compared.overdue_holds:
        yield difference(
            "hold_overdue", "booking", row, ("appointment_id",),
            f"the hold was over {row['expires_at']:%Y-%m-%d %H:%M:%SZ} and nobody has ended it",
            "start booking: its sweep ends it; see its log",
        )  # fmt: skip
    yield from _unacknowledged(compared)
    for row in compared.unpublished:
        yield difference(
            "calendar_unpublished", "availability", row, ("doctor_id",),
            f"the doctor's slots were due {row['due_at']:%Y-%m-%d %H:%M:%SZ}", "start availability; see its log",
        )  # fmt: skip
    for service, rows in compared.outboxes.items():
        for row in rows:
            detail = f"{row['messages']} messages are not published, the oldest of {row['oldest']:%Y-%m-%d %H:%M:%SZ}"
            yield Difference("outbox_stuck", service, (), detail, f"start {service}; see frontdesk logs {service} and Kafka")


def _unacknowledged(compared: ComparedRows) -> Iterator[Difference]:
    """Reservations of which availability has heard nothing, also of those that an appointment was booked by or moved to."""
    held = {(row["clinic_id"], row["reservation_id"]): row for row in compared.appointments if row["status"] in LIVE}
    for row in compared.unacknowledged:
        holder = held.get((row["clinic_id"], row["reservation_id"]))
        whose = f"; appointment {holder['appointment_id']} holds it, and that has not arrived" if holder else ""
        yield difference(
            "reservation_unacknowledged", "availability", row, ("reservation_id",),
            f"booking was to be asked {row['due_at']:%Y-%m-%d %H:%M:%SZ}{whose}", "start both; see frontdesk topics lag",
        )  # fmt: skip


def copies(compared: ComparedRows) -> Iterator[Difference]:
    """Every service has the newest settings of every clinic."""
    held = {service: {row["clinic_id"]: row["version"] for row in rows} for service, rows in compared.settings.items()}
    for clinic in compared.clinics:
        if clinic["announced_version"] < clinic["version"]:
            yield difference(
                "clinic_not_announced", "gateway", clinic, ("clinic_id",),
                f"version {clinic['version']}, announced is {clinic['announced_version']}", "restart a gateway",
            )  # fmt: skip
        for service, versions in held.items():
            if versions.get(clinic["clinic_id"], 0) < clinic["announced_version"]:
                yield difference(
                    "settings_behind", service, clinic, ("clinic_id",),
                    f"version {versions.get(clinic['clinic_id'])}, the gateway has announced {clinic['announced_version']}",
                    f"see frontdesk topics lag {service} and frontdesk dlq list",
                )  # fmt: skip
