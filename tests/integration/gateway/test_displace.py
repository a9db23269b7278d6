"""Displacing: appointments that availability names and booking has are moved by commands, whose outcomes are waited for."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest

from services.gateway.access.open_access import OPEN
from services.gateway.openapi.appointments import APPOINTMENT
from shared.contracts import internal
from shared.contracts.appointments import Status
from shared.contracts.commands import Answer, Outcome
from shared.contracts.problem_kinds import PROBLEMS
from shared.contracts.problems import Code
from shared.infra import ids
from tests.integration.gateway.conftest import API, CLINIC, FakeOwners, Process

DOCTOR = str(UUID(int=5))
PATH = f"{API}/doctors/{DOCTOR}/displace"
FOUND, DISPLACE, LOOK = (
    f"/internal/doctors/{DOCTOR}/displaced",
    f"/internal/doctors/{DOCTOR}/displace",
    "/internal/appointments/look",
)
BODY = {"from": "2026-03-02", "to": "2026-03-06", "policy": "same_doctor"}
OUTCOMES = "/internal/commands/look"
IDS = [UUID(int=number) for number in (11, 12, 13)]
PATIENT = str(APPOINTMENT.patient_id)
NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
NO_PLACE = {"code": "no_place", "reason": "No open place was found"}


def place(day: int) -> dict[str, Any]:
    times = {"location_id": None, "starts_at": None, "ends_at": None}
    return {"doctor_id": DOCTOR, "date": f"2026-03-{day:02}", "slot": 1, "slot_id": str(UUID(int=day)), **times}


def step(number: int, to: int | None) -> dict[str, Any]:
    """What availability says of one of the appointments; its command has the number of its day."""
    who = {"appointment_id": str(IDS[number]), "patient_id": PATIENT}
    moved = {"command_id": str(UUID(int=to)), "to": place(to)} if to else {"command_id": None, "to": None}
    return {**who, **moved, "from": place(2)}


def outcome(command: int, code: Code | None = None, *, settled: bool = True) -> Outcome:
    answer = Answer.refusal(code) if code else Answer(status_code=200, result={"id": "x"})
    return Outcome(
        clinic_id=CLINIC, command_id=UUID(int=command), type="RescheduleAppointment", principal="open", body_hash="h",
        answer=answer, accepted_at=NOW, decided_at=NOW, settled_at=NOW if settled else None,
    )  # fmt: skip


def named(code: Code) -> dict[str, str]:
    return {"code": code, "reason": PROBLEMS[code].title}


class Services:
    """Availability names three appointments, one of whom has checked in, and says what it did; booking has their outcomes."""

    def __init__(self, owners: FakeOwners) -> None:
        self.owners = owners
        self.plan: dict[str, Any] = {"steps": [step(0, 9), step(1, 10), step(2, None)], "left": 4}
        owners.answers[FOUND] = (200, {"appointment_ids": [str(one) for one in IDS], "left": 4, "plan": None})
        owners.answers[DISPLACE] = lambda _: (200, self.plan)
        here = (Status.BOOKED, Status.PENDING, Status.CHECKED_IN)
        views = [APPOINTMENT.model_copy(update={"id": id_, "status": status}) for id_, status in zip(IDS, here, strict=True)]
        owners.answers[LOOK] = (200, {"items": [one.model_dump(mode="json") for one in views]})

    def sent(self, path: str) -> list[httpx2.Request]:
        return [one for one in self.owners.requests if one.url.path == path]


@pytest.fixture
def services(owners: FakeOwners) -> Services:
    return Services(owners)


Post = Callable[..., Any]


@pytest.fixture
def post(gateway: Process) -> Post:
    async def send(body: Any = BODY, **headers: str) -> httpx2.Response:
        return await gateway.http.post(PATH, json=body, headers={name.replace("_", "-"): text for name, text in headers.items()})

    return send


async def test_each_one_is_told_with_its_end(post: Post, services: Services) -> None:
    services.owners.outcomes = [outcome(9), outcome(10, Code.PATIENT_BUSY)]
    answer = await post(Idempotency_Key="k")
    assert answer.status_code == 200, answer.text
    first, second, third = services.plan["steps"]
    refused = {name: second[name] for name in ("appointment_id", "patient_id", "from", "command_id")}
    stays = {name: third[name] for name in ("appointment_id", "patient_id", "from", "command_id")}
    assert answer.json() == {
        "moved": [first], "moving": [], "not_moved": [{**refused, **named(Code.PATIENT_BUSY)}, {**stays, **NO_PLACE}], "left": 4,
    }  # fmt: skip


async def test_who_has_checked_in_is_not_moved(post: Post, services: Services) -> None:
    services.owners.outcomes = [outcome(9), outcome(10)]
    await post(Idempotency_Key="k")
    found, displaced = services.sent(FOUND)[0], services.sent(DISPLACE)[0]
    assert orjson.loads(found.content) == {**BODY, "dry_run": False}
    assert orjson.loads(displaced.content) == {
        "asked": {**BODY, "dry_run": False}, "left": 4,
        "appointments": [{"appointment_id": str(one), "patient_id": PATIENT} for one in IDS[:2]],
    }  # fmt: skip
    assert found.headers[internal.COMMAND_ID] == displaced.headers[internal.COMMAND_ID]


async def test_what_is_not_settled_is_moving(post: Post, services: Services) -> None:
    services.owners.outcomes = [outcome(9), outcome(10, settled=False)]
    answer = await post(Prefer="respond-async")
    assert answer.status_code == 202 and answer.headers["Preference-Applied"] == "respond-async"
    assert answer.headers["Retry-After"] == "1" and answer.headers["Idempotency-Key"]
    assert (answer.json()["moved"], answer.json()["moving"]) == ([services.plan["steps"][0]], [services.plan["steps"][1]])
    keyed = await post(Prefer="wait=0", Idempotency_Key="mine")
    assert (keyed.status_code, keyed.headers["Idempotency-Key"]) == (202, "mine")


async def test_the_end_is_waited_for(post: Post, services: Services) -> None:
    polls = 0

    def poll(request: httpx2.Request) -> tuple[int, Any]:
        nonlocal polls
        polls += 1
        services.owners.outcomes = [outcome(9), outcome(10)][:polls]
        return 200, {"outcomes": [one.model_dump(mode="json") for one in services.owners.outcomes]}

    services.owners.answers[OUTCOMES] = poll
    answer = await post(Prefer="wait=20")
    assert (answer.status_code, len(answer.json()["moved"]), answer.headers["Preference-Applied"]) == (200, 2, "wait=20")
    assert polls == 2


async def test_while_booking_is_away_all_is_moving(post: Post, services: Services) -> None:
    services.owners.answers[OUTCOMES] = (500, {})
    answer = await post(Prefer="wait=0", Idempotency_Key="k")
    assert (answer.status_code, len(answer.json()["moving"])) == (202, 2)


async def test_a_repeat_tells_what_was_done(post: Post, services: Services) -> None:
    services.owners.answers[FOUND] = (200, {"appointment_ids": [], "left": 0, "plan": services.plan})
    services.owners.headers = {"Idempotent-Replayed": "true"}
    services.owners.outcomes = [outcome(9), outcome(10)]
    answer = await post(Idempotency_Key="k")
    assert (answer.status_code, answer.headers["Idempotent-Replayed"], len(answer.json()["moved"])) == (200, "true", 2)
    assert services.sent(DISPLACE) == [] == services.sent(LOOK)


async def test_a_dry_run_has_no_key_and_no_commands(post: Post, services: Services) -> None:
    services.plan["steps"] = [{**one, "command_id": None} for one in services.plan["steps"]]
    answer = await post({**BODY, "dry_run": True}, Idempotency_Key="k")
    assert (answer.status_code, answer.json()["moved"]) == (200, services.plan["steps"][:2])
    assert [one["code"] for one in answer.json()["not_moved"]] == ["no_place"]
    assert all(internal.COMMAND_ID not in one.headers for one in services.owners.requests)


async def test_a_refusal_is_about_the_public_path(post: Post, services: Services) -> None:
    for path in (DISPLACE, FOUND):
        services.owners.answers[path] = (404, {"code": "unknown_doctor", "instance": path})
        answer = await post()
        assert (answer.status_code, answer.json()) == (404, {"code": "unknown_doctor", "instance": PATH})


async def test_what_may_have_been_done_tells_the_key_to_repeat_it_with(post: Post, services: Services) -> None:
    for path in (DISPLACE, FOUND):
        services.owners.answers[path] = (503, {"code": "unavailable"})
        answer = await post()
        assert answer.status_code == 503
        command_id = ids.command_id(CLINIC, OPEN, "displace_appointments", answer.headers["Idempotency-Key"])
        assert services.sent(path)[-1].headers[internal.COMMAND_ID] == str(command_id)
    assert (await post(Idempotency_Key="mine")).headers["Idempotency-Key"] == "mine"
    assert "Idempotency-Key" not in (await post({**BODY, "dry_run": True})).headers
    services.owners.away = True
    assert (await post(Idempotency_Key="mine")).headers["Idempotency-Key"] == "mine"


async def test_bad_requests_move_nothing(post: Post, services: Services) -> None:
    refused = await post({"from": "today", "policy": "any"}, Idempotency_Key="")
    assert {error["field"] for error in refused.json()["errors"]} == {"from", "to", "policy", "Idempotency-Key"}
    assert (await post(Prefer="wait=x")).status_code == 400
    assert services.owners.requests == []
