"""The message of each command: what is asked for it, in which order refusals rank, and what an owner's failure means."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.gateway.commands import messages
from services.gateway.gateway import Gateway
from services.gateway.openapi.appointments import APPOINTMENT
from services.gateway.owners.ask import OnFailure, ask
from services.gateway.owners.client import AVAILABILITY, BOOKING, Owners
from services.gateway.schemas import CancelIn, CheckInIn, DayBooking, DayMove, SlotBooking, SlotMove
from shared.contracts.appointments import Reason
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError, problem_body
from tests.support.clock import FakeClock
from tests.unit.gateway.parts import CALLER, DAY, DOCTOR, PATIENT, Parts, booking, gateway_with

SLOT, OTHER_DOCTOR = UUID(int=21), UUID(int=22)
RESOLVE, READ = "/internal/slots/resolve", f"/internal/appointments/{APPOINTMENT.id}"
FOUND = {"slot_id": str(SLOT), "doctor_id": str(OTHER_DOCTOR), "date": str(DAY)}


@dataclass
class FakeOwners:
    """Availability and booking: a status and a body by path; `paths` are those that were asked."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.paths.append(request.url.path)
        status, body = self.answers.get(request.url.path, (204, None))
        return httpx2.Response(status, json=body)

    def gateway(self, existing: set[UUID]) -> Gateway:
        parts, transport = Parts(), httpx2.MockTransport(self)
        parts.id_owners.existing = existing
        clients = {name: httpx2.AsyncClient(transport=transport, base_url="http://x") for name in (BOOKING, AVAILABILITY)}
        return gateway_with(known=parts.known, owners=Owners(clients, FakeClock()))


@pytest.fixture
def owners() -> FakeOwners:
    """Availability finds the slot, and booking the appointment."""
    return FakeOwners({RESOLVE: (200, FOUND), READ: (200, APPOINTMENT.model_dump(mode="json"))})


@pytest.fixture
def gateway(owners: FakeOwners) -> Gateway:
    return owners.gateway({DOCTOR, PATIENT})


async def test_a_booking_of_a_day_asks_no_owner(gateway: Gateway, owners: FakeOwners) -> None:
    command = booking()
    message = await messages.booking(gateway, command, DayBooking(patient_id=PATIENT, doctor_id=DOCTOR, date=DAY))
    assert (message.doctor_id, message.date, message.slot_id, message.confirm) == (DOCTOR, DAY, None, True)
    assert (message.command_id, message.reply_partition, owners.paths) == (command.command_id, None, [])


async def test_a_booking_of_a_slot_is_at_the_slot_s_doctor(gateway: Gateway) -> None:
    message = await messages.booking(gateway, booking(), SlotBooking(patient_id=PATIENT, slot_id=SLOT, confirm=False))
    assert (message.doctor_id, message.date, message.slot_id, message.confirm) == (OTHER_DOCTOR, DAY, SLOT, False)


async def test_a_move_stays_at_its_doctor_unless_another_is_named(gateway: Gateway) -> None:
    command, appointment = booking(), APPOINTMENT.id
    stays = await messages.move(gateway, command, appointment, DayMove(date=DAY))
    goes = await messages.move(gateway, command, appointment, DayMove(date=DAY, doctor_id=DOCTOR))
    assert (stays.doctor_id, goes.doctor_id) == (APPOINTMENT.doctor_id, DOCTOR)
    assert stays.patient_id == APPOINTMENT.patient_id


async def test_an_unknown_id_ranks_above_what_an_owner_refuses(owners: FakeOwners) -> None:
    owners.answers[RESOLVE] = (422, {"code": "no_such_slot"})
    gateway = owners.gateway({DOCTOR})
    with pytest.raises(ProblemError) as refused:
        await messages.booking(gateway, booking(), SlotBooking(patient_id=PATIENT, slot_id=SLOT))
    assert (refused.value.code, owners.paths) == (Code.UNKNOWN_PATIENT, [])


@pytest.mark.parametrize(
    ("status", "code", "refused_as"),
    [
        (404, "unknown_appointment", Code.UNKNOWN_APPOINTMENT),
        (503, "unavailable", Code.NOT_ACCEPTED),
        (500, "internal", Code.NOT_ACCEPTED),
    ],
)
async def test_what_an_owner_answers_instead(
    gateway: Gateway, owners: FakeOwners, status: int, code: str, refused_as: Code
) -> None:
    owners.answers[READ] = (status, {"code": code})
    with pytest.raises(ProblemError) as refused:
        await messages.move(gateway, booking(), APPOINTMENT.id, SlotMove(slot_id=SLOT))
    assert (refused.value.code, owners.paths) == (refused_as, [READ])


async def test_a_note_is_with_booking_before_its_cancellation_is_made(gateway: Gateway, owners: FakeOwners) -> None:
    command = booking()
    silent = await messages.cancellation(gateway, command, APPOINTMENT.id, CancelIn(reason=Reason.ILL))
    assert (silent.reason, owners.paths) == (Reason.ILL, [])
    noted = await messages.cancellation(gateway, command, APPOINTMENT.id, CancelIn(note="has a cold"))
    assert owners.paths == [f"{READ}/notes/{command.command_id}"] and "cold" not in noted.model_dump_json()


async def test_a_confirmation_and_a_check_in_name_their_appointment() -> None:
    command, body = booking(), CheckInIn(appointment_id=APPOINTMENT.id, patient_id=PATIENT)
    assert (await messages.confirmation(command, APPOINTMENT.id)).appointment_id == APPOINTMENT.id
    assert (await messages.check_in(command, body)).patient_id == PATIENT


@pytest.mark.parametrize(
    ("on_failure", "status", "raised"),
    [
        (OnFailure.GIVE_BACK, 404, None),
        (OnFailure.GIVE_BACK, 500, None),
        (OnFailure.UNAVAILABLE, 404, Code.UNAVAILABLE),
        (OnFailure.UNAVAILABLE, 500, Code.UNAVAILABLE),
        (OnFailure.REFUSE_COMMAND, 404, Code.UNKNOWN_DOCTOR),
        (OnFailure.REFUSE_COMMAND, 500, Code.NOT_ACCEPTED),
    ],
)
async def test_the_call_names_what_a_failure_means(
    gateway: Gateway, owners: FakeOwners, on_failure: OnFailure, status: int, raised: Code | None
) -> None:
    owners.answers["/x"] = (status, {"code": "unknown_doctor"})
    code = None
    try:
        answer = await ask(gateway.owners, CALLER, BOOKING, "GET", "/x", on_failure=on_failure)
        assert answer.status_code == status
    except ProblemError as problem:
        code = problem.code
    assert code == raised


async def refusal_of_move(gateway: Gateway) -> ProblemError:
    """The refusal of a move whose appointment booking does not give."""
    with pytest.raises(ProblemError) as refused:
        await messages.move(gateway, booking(), APPOINTMENT.id, SlotMove(slot_id=SLOT))
    return refused.value


async def test_a_refusal_of_the_owner_is_passed_on_whole(gateway: Gateway, owners: FakeOwners) -> None:
    errors = [{"field": "slot_id", "reason": "is not published"}]
    said = {"code": "unknown_appointment", "detail": "It was merged", "errors": errors, "instance": READ, "candidates": ["x"]}
    owners.answers[READ] = (404, said)
    refused = await refusal_of_move(gateway)
    assert (refused.code, refused.detail, refused.extra) == (Code.UNKNOWN_APPOINTMENT, "It was merged", {"candidates": ["x"]})
    assert [error.model_dump() for error in refused.errors] == errors


async def test_a_refusal_of_a_later_release_is_passed_on_with_its_status(gateway: Gateway, owners: FakeOwners) -> None:
    owners.answers[READ] = (410, {"code": "of_a_later_release", "detail": "It is gone"})
    refused = await refusal_of_move(gateway)
    shown = problem_body(refused, instance=READ, correlation_id="")
    assert (refused.code, shown["status"], shown["detail"]) == ("of_a_later_release", 410, "It is gone")


@pytest.mark.parametrize("said", [{"code": "Of a later version"}, {"detail": "no code"}, [], "text", None])
async def test_a_refusal_that_nobody_understands_is_internal(gateway: Gateway, owners: FakeOwners, said: Any) -> None:
    owners.answers[READ] = (409, said)
    assert (await refusal_of_move(gateway)).code == Code.INTERNAL
