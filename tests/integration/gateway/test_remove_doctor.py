"""Deleting a doctor: who has checked in is not sent away, and the end of the cancelling is waited for as a command's is."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.gateway.openapi.appointments import APPOINTMENT
from shared.contracts.appointments import Status
from tests.integration.gateway.conftest import API, FakeOwners, Process

DOCTOR = str(UUID(int=5))
PATH = f"{API}/doctors/{DOCTOR}"
TODAY = "2026-03-02"
CHECK = [f"GET doctors/{DOCTOR}/today", "GET appointments"]
INTERNAL = f"/internal/doctors/{DOCTOR}"
LIST = "/internal/appointments"
BUSY = (409, {"code": "has_appointments", "appointments": [str(APPOINTMENT.id)], "count": 1})


class Doctor:
    """A doctor with appointments, of whom `left` are still to be cancelled each time that availability is asked."""

    def __init__(self, owners: FakeOwners, checked_in: str | None, *left: int) -> None:
        self.left: Iterator[int] = iter(left)
        self.owners = owners
        owners.answers[INTERNAL] = self.delete
        owners.answers[f"{INTERNAL}/left"] = lambda _: (200, self.deleted())
        view = APPOINTMENT.model_copy(update={"status": Status.CHECKED_IN, "date": checked_in})
        owners.answers[LIST] = (200, {"items": [view.model_dump(mode="json")] if checked_in else []})

    def delete(self, request: httpx2.Request) -> tuple[int, Any]:
        return (200, self.deleted()) if request.url.params["cancel_appointments"] == "true" else BUSY

    def deleted(self) -> dict[str, Any]:
        return {"id": DOCTOR, "appointments_left": next(self.left)}

    @property
    def asked(self) -> list[str]:
        return [f"{one.method} {one.url.path.removeprefix('/internal/')}" for one in self.owners.requests]


async def test_a_doctor_without_appointments_is_deleted_at_once(gateway: Process, owners: FakeOwners) -> None:
    owners.answers[INTERNAL] = (200, {"id": DOCTOR, "appointments_left": 0})
    for query in ("", "?cancel_appointments=false", "?cancel_appointments=true"):
        owners.requests.clear()
        answer = await gateway.http.delete(PATH + query, headers={"If-Match": '"v1"'})
        assert (answer.status_code, answer.content) == (204, b"")
        assert [request.headers["If-Match"] for request in owners.requests] == ['"v1"']


async def test_without_the_flag_the_appointments_are_a_refusal(gateway: Process, owners: FakeOwners) -> None:
    doctor = Doctor(owners, None)
    answer = await gateway.http.delete(PATH)
    assert (answer.status_code, answer.json()["appointments"]) == (409, [str(APPOINTMENT.id)])
    assert doctor.asked == [f"DELETE doctors/{DOCTOR}"]


async def test_the_end_of_the_cancelling_is_waited_for(gateway: Process, owners: FakeOwners) -> None:
    doctor = Doctor(owners, None, 2, 1, 0)
    answer = await gateway.http.delete(f"{PATH}?cancel_appointments=true", headers={"Prefer": "wait=20"})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (204, "wait=20")
    delete, left = f"DELETE doctors/{DOCTOR}", f"GET doctors/{DOCTOR}/left"
    assert doctor.asked == [delete, *CHECK, delete, left, left]


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0"])
async def test_who_does_not_wait_is_told_what_is_left(gateway: Process, owners: FakeOwners, prefer: str) -> None:
    Doctor(owners, None, 3)
    answer = await gateway.http.delete(f"{PATH}?cancel_appointments=true", headers={"Prefer": prefer})
    assert (answer.status_code, answer.json()) == (202, {"id": DOCTOR, "appointments_left": 3})
    assert (answer.headers["Retry-After"], answer.headers["Preference-Applied"]) == ("1", prefer)


async def test_a_repeat_tells_what_is_left(gateway: Process, owners: FakeOwners) -> None:
    owners.answers[INTERNAL] = (200, {"id": DOCTOR, "appointments_left": 2})
    answer = await gateway.http.delete(f"{PATH}?cancel_appointments=true", headers={"Prefer": "wait=0"})
    assert (answer.status_code, answer.json()["appointments_left"]) == (202, 2)


async def test_a_doctor_with_a_patient_checked_in_stays(gateway: Process, owners: FakeOwners) -> None:
    doctor = Doctor(owners, TODAY)
    answer = await gateway.http.delete(f"{PATH}?cancel_appointments=true")
    assert (answer.status_code, answer.json()["code"]) == (409, "checked_in")
    assert answer.json()["appointments"] == [str(APPOINTMENT.id)]
    assert doctor.asked == [f"DELETE doctors/{DOCTOR}", *CHECK]


async def test_booking_is_asked_for_those_who_are_checked_in_with_this_doctor_and_for_no_others(
    gateway: Process, owners: FakeOwners
) -> None:
    """However many appointments there are, none is looked up."""
    Doctor(owners, None, 0)
    assert (await gateway.http.delete(f"{PATH}?cancel_appointments=true")).status_code == 204
    (asked,) = [request.url.params for request in owners.requests if request.url.path == LIST]
    assert dict(asked) == {"doctor_id": DOCTOR, "status": "checked_in", "from": TODAY, "limit": "50"}


async def test_what_booking_tells_of_days_before_is_left_aside(gateway: Process, owners: FakeOwners) -> None:
    """A booking of 0.1.0 does not know the first date, and has pages of the past."""
    doctor = Doctor(owners, "2026-03-01")
    past, todays = (
        APPOINTMENT.model_copy(update={"status": Status.CHECKED_IN, "date": date}).model_dump(mode="json")
        for date in ("2026-03-01", TODAY)
    )
    pages = {None: {"items": [past], "next_cursor": "two"}, "two": {"items": [todays]}}
    owners.answers[LIST] = lambda request: (200, pages[request.url.params.get("cursor")])
    answer = await gateway.http.delete(f"{PATH}?cancel_appointments=true")
    assert (answer.status_code, answer.json()["code"]) == (409, "checked_in")
    assert doctor.asked == [f"DELETE doctors/{DOCTOR}", *CHECK, CHECK[-1]]


async def test_a_bad_preference_deletes_nothing(gateway: Process, owners: FakeOwners) -> None:
    answer = await gateway.http.delete(PATH, headers={"Prefer": "wait=x"})
    assert (answer.status_code, owners.requests) == (400, [])


async def test_a_deleted_doctor_has_lists_and_bookings_that_availability_refuses(gateway: Process, owners: FakeOwners) -> None:
    queue = f"/internal/queues/{DOCTOR}"
    owners.answers[queue] = (200, {"items": [], "next_cursor": None})
    assert (await gateway.http.get(f"{API}/checkins/doctors/{DOCTOR}/queue")).status_code == 200
    owners.answers[INTERNAL] = (200, {"id": DOCTOR, "appointments_left": 0, "status": "deleted"})
    assert (await gateway.http.delete(PATH)).status_code == 204
    body = {"doctor_id": DOCTOR, "patient_id": str(UUID(int=7)), "date": "2026-03-02"}
    accepted = await gateway.http.post(f"{API}/appointments", json=body, headers={"Prefer": "respond-async"})
    assert accepted.status_code == 202, "one that was sent before may still have another end"
    assert (await gateway.http.get(f"{API}/checkins/doctors/{DOCTOR}/queue")).status_code == 200
