"""Where services do not agree is found, each kind by an example that has it and no other; services that agree have none."""

import asyncio
import datetime as dt
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from deploy import installation
from deploy.commands import reconcile
from deploy.failure import Unreachable
from deploy.inspect.reconcile.differences import differences
from deploy.inspect.reconcile.snapshot_rows import ComparedRows

TODAY = dt.date(2026, 3, 2)
NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)


def uid(number: int) -> UUID:
    return UUID(int=number)


CLINIC, DOCTOR = uid(1), uid(2)
DAY = {"clinic_id": CLINIC, "doctor_id": DOCTOR, "date": TODAY}
TIMES = {"starts_at": None, "ends_at": None}
SLOT = {**DAY, "slot_id": uid(3), "number": 4, "reservation_id": uid(5), "appointment_id": uid(6), **TIMES, "revoked": False}
APPOINTMENT = {
    **DAY, "appointment_id": uid(6), "status": "checked_in", "slot_id": uid(3), "slot_number": 4, "reservation_id": uid(5),
    "command_id": uid(7), "created_at": NOW, "patient_id": uid(9), **TIMES,
}  # fmt: skip
DECIDED = {"clinic_id": CLINIC, "command_id": uid(7), "code": None, "appointment_id": str(uid(6)), "found": True}
ENTRY = {**DAY, "entry_id": uid(8), "appointment_id": uid(6), "patient_id": uid(9), "position": 1}
CLINIC_ROW = {"clinic_id": CLINIC, "version": 2, "announced_version": 2}


def rows(**changes: Any) -> ComparedRows:
    """One patient who booked and checked in, as all services know it."""
    agreed: dict[str, Any] = {
        "slots": [SLOT],
        "unacknowledged": [],
        "unpublished": [],
        "appointments": [APPOINTMENT],
        "decided": [DECIDED],
        "overdue_holds": [],
        "unsettled": [],
        "entries": [ENTRY],
        "queue_days": [{**DAY, "last_position": 1}],
        "outboxes": {name: [] for name in installation.names()},
        "settings": {name: [{"clinic_id": CLINIC, "version": 2}] for name in installation.audited()},
        "clinics": [CLINIC_ROW],
    }
    return ComparedRows(**{**agreed, **changes})


def test_services_that_agree() -> None:
    assert differences(rows()) == []


BOOKED = {"appointments": [{**APPOINTMENT, "status": "booked"}], "entries": [], "queue_days": []}


def test_what_a_clinic_may_do_is_no_difference() -> None:
    revoked = {**SLOT, "revoked": True}
    at = {"starts_at": NOW, "ends_at": NOW + dt.timedelta(minutes=15)}
    merged = {"appointments": [{**APPOINTMENT, "patient_id": uid(10)}], "entries": [{**ENTRY, "patient_id": uid(10)}]}
    assert differences(rows(slots=[revoked])) == [], "whoever has checked in stays"
    assert differences(rows(**{**BOOKED, "slots": [{**SLOT, **at}], "appointments": [{**BOOKED["appointments"][0], **at}]})) == []
    assert differences(rows(**merged)) == []


BROKEN: list[tuple[str, str, dict[str, Any]]] = [
    ("slot_without_appointment", "availability", {
        "slots": [SLOT, {**SLOT, "slot_id": uid(30), "reservation_id": uid(50), "appointment_id": uid(60)}],
    }),
    ("old_place_taken", "availability", {"slots": [SLOT, {**SLOT, "slot_id": uid(30), "reservation_id": uid(50)}]}),
    ("hold_overdue", "booking", {"overdue_holds": [{"appointment_id": uid(6), "expires_at": NOW}]}),
    ("slot_without_appointment", "availability", {
        "appointments": [{**APPOINTMENT, "status": "cancelled"}], "entries": [], "queue_days": [],
    }),
    ("appointment_without_slot", "booking", {"slots": []}),
    ("slot_differs", "booking", {"slots": [{**SLOT, "number": 5}]}),
    ("outcome_without_appointment", "booking", {"decided": [{**DECIDED, "appointment_id": str(uid(60)), "found": False}]}),
    ("appointment_of_refused", "booking", {"decided": [{**DECIDED, "code": "lost", "appointment_id": None}]}),
    ("slot_differs", "booking", {"slots": [{**SLOT, "starts_at": NOW, "ends_at": NOW}]}),
    ("revoked_slot_held", "booking", {**BOOKED, "slots": [{**SLOT, "revoked": True}]}),
    ("arrival_without_entry", "queue", {"entries": [], "queue_days": []}),
    ("entry_of_another_patient", "queue", {"entries": [{**ENTRY, "patient_id": uid(10)}]}),
    ("calendar_unpublished", "availability", {"unpublished": [{"doctor_id": DOCTOR, "due_at": NOW}]}),
    ("entry_without_arrival", "queue", {"appointments": [{**APPOINTMENT, "status": "booked"}]}),
    ("positions_differ", "queue", {"queue_days": [{**DAY, "last_position": 3}]}),
    ("outcome_unsettled", "booking", {"unsettled": [{"command_id": uid(7), "type": "CheckInPatient", "decided_at": NOW}]}),
    ("reservation_unacknowledged", "availability", {
        "unacknowledged": [{"clinic_id": CLINIC, "reservation_id": uid(5), "due_at": NOW}],
    }),
    ("outbox_stuck", "queue", {"outboxes": {"queue": [{"messages": 3, "oldest": NOW}]}}),
    ("clinic_not_announced", "gateway", {"clinics": [{**CLINIC_ROW, "version": 3}]}),
    ("settings_behind", "queue", {"settings": {"queue": [{"clinic_id": CLINIC, "version": 1}]}}),
    ("settings_behind", "queue", {"settings": {"queue": []}}),
]  # fmt: skip


async def test_while_nobody_says_how_far_the_groups_are_everything_gets_its_whole_time(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    async def away() -> int:
        raise Unreachable("Kafka does not answer")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(reconcile, "time", SimpleNamespace(monotonic=lambda: passed))
    monkeypatch.setattr(reconcile, "_lag", away)
    await reconcile._wait_for_arrivals(30)
    assert passed == 30


@pytest.mark.parametrize(("kind", "service", "changes"), BROKEN, ids=lambda value: value if isinstance(value, str) else "")
def test_each_kind_is_found_alone(kind: str, service: str, changes: dict[str, Any]) -> None:
    [found] = differences(rows(**changes))
    assert (found.kind, found.service) == (kind, service)
    assert found.detail and found.mend


def test_who_holds_a_reservation_that_was_not_acknowledged_is_told() -> None:
    due = {"clinic_id": CLINIC, "due_at": NOW}
    told = [
        one.detail for one in differences(rows(unacknowledged=[{**due, "reservation_id": uid(number)} for number in (5, 50)]))
    ]
    assert [f"appointment {uid(6)} holds it" in detail for detail in told] == [True, False]


def test_an_appointment_out_of_the_dates_in_scope_is_there() -> None:
    """It was moved there; neither it nor its slot is compared."""
    assert differences(rows(slots=[], appointments=[], entries=[], queue_days=[])) == []
