"""Has displaced appointments moved, and tells how each of them ended. Called by the displacement's route.

Availability knows which places are lost, booking whose they are and who has checked in; then availability takes all new places in
one transaction, and booking makes each move as a command of its own. The answer is made of what availability keeps under the key
of the call and of the outcomes of those commands: a repeat tells the same, or the rest.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import httpx2
from fastapi import Request, Response
from pydantic import BaseModel

from services.gateway.access.caller import ApiCaller
from services.gateway.calendar.displaced import displaced
from services.gateway.calendar.remove_doctor import FIRST_LOOK_SECONDS, LONGEST_PAUSE_SECONDS
from services.gateway.gateway import Gateway, gateway_of
from services.gateway.http.headers import IDEMPOTENCY_KEY
from services.gateway.http.reading import read_command
from services.gateway.owners.client import AVAILABILITY
from services.gateway.owners.forward import answer_of
from shared.contracts.appointments import Status
from shared.contracts.commands import Outcome
from shared.contracts.displacement import (
    NO_PLACE,
    AppointmentPatient,
    DisplaceAnswer,
    DisplacedFound,
    DisplaceIn,
    DisplacementStep,
    DisplaceOrder,
    DisplacePlan,
    Moved,
    NotMoved,
)
from shared.contracts.problems import PROBLEMS
from shared.infra import ids
from shared.infra.problems import ProblemError

OPERATION = "displace_appointments"
NOTHING_OPEN = "No open place was found"


@dataclass(frozen=True)
class Errand:
    """One call: which doctor, what is asked for, and under which command, which a dry run has none of."""

    gateway: Gateway
    caller: ApiCaller
    doctor_id: UUID
    asked: DisplaceIn
    command_id: UUID | None

    async def run(self) -> tuple[httpx2.Response, DisplacePlan | None]:
        """What availability has done, now or when the key was first used; without a plan it refused."""
        answer = await self._ask("displaced", self.asked)
        if not answer.is_success:
            return answer, None
        found = DisplacedFound.model_validate_json(answer.content)
        if found.plan is not None:
            return answer, found.plan
        answer = await self._ask("displace", await self._order(found))
        return answer, DisplacePlan.model_validate_json(answer.content) if answer.is_success else None

    async def _order(self, found: DisplacedFound) -> DisplaceOrder:
        """The live ones of what was found; who has checked in is not sent anywhere."""
        live = await displaced(self.gateway.owners, self.caller, found.appointment_ids, self.gateway.clock.now())
        to_move = [
            AppointmentPatient(appointment_id=one.id, patient_id=one.patient_id)
            for one in live
            if one.status is not Status.CHECKED_IN
        ]
        return DisplaceOrder(asked=self.asked, appointments=to_move, left=found.left)

    async def _ask(self, verb: str, body: BaseModel) -> httpx2.Response:
        content = body.model_dump_json(by_alias=True).encode()
        path = f"/internal/doctors/{self.doctor_id}/{verb}"
        return await self.gateway.owners.call(
            AVAILABILITY, "POST", path, self.caller, content=content, command_id=self.command_id
        )


async def displace_appointments(request: Request, doctor_id: UUID) -> Response:
    """Moves what is displaced. 200 once all moves are settled, 202 if that takes longer than the client waits."""
    asked = await read_command(request, DisplaceIn)
    deadline = time.monotonic() + asked.preference.wait_seconds
    gateway, key = gateway_of(request), asked.key if asked.key is not None else ids.new_id().hex
    caller = gateway.caller(request)
    command_id = None if asked.body.dry_run else ids.command_id(caller.clinic_id, caller.principal, OPERATION, key)
    answer, plan = await Errand(gateway, caller, doctor_id, asked.body, command_id).run()
    if plan is None:
        return answer_of(request, answer)
    ended = await _settled(gateway, caller, plan.steps, deadline)
    told = told_of(plan, ended, dry_run=asked.body.dry_run)
    headers = {"Preference-Applied": asked.preference.applied} if asked.preference.applied else {}
    shown = answer_of(request, answer, headers, told.model_dump_json(by_alias=True).encode())
    if told.moving:
        shown.status_code = 202
        shown.headers.update({"Retry-After": "1", IDEMPOTENCY_KEY: key})
    return shown


def told_of(plan: DisplacePlan, ended: Mapping[UUID, Outcome], *, dry_run: bool) -> DisplaceAnswer:
    """The plan as the client reads it, with what has become of each step. In a dry run each one with a place would be moved."""
    moved: list[Moved] = []
    moving: list[Moved] = []
    not_moved: list[NotMoved] = []
    for step in plan.steps:
        outcome = ended.get(step.command_id) if step.command_id else None
        code = NO_PLACE if step.to is None else outcome and outcome.answer.code
        if code:
            reason = NOTHING_OPEN if code == NO_PLACE else PROBLEMS[code].title
            not_moved.append(NotMoved.model_validate({**step.model_dump(by_alias=True), "code": code, "reason": reason}))
        else:
            place = Moved.model_validate(step.model_dump(by_alias=True))
            (moved if outcome or dry_run else moving).append(place)
    return DisplaceAnswer(moved=moved, moving=moving, not_moved=not_moved, left=plan.left)


async def _settled(
    gateway: Gateway, caller: ApiCaller, steps: Sequence[DisplacementStep], deadline: float
) -> dict[UUID, Outcome]:
    """The settled outcomes of the steps' commands: of all, or those that there are when the client waits no longer."""
    waiting = {step.command_id for step in steps if step.command_id}
    ended: dict[UUID, Outcome] = {}
    pause = FIRST_LOOK_SECONDS
    while True:
        found = await _look(gateway, [(caller.clinic_id, one) for one in waiting - ended.keys()])
        ended |= {one.command_id: one for one in found if one.settled_at}
        remaining = deadline - time.monotonic()
        if len(ended) == len(waiting) or remaining <= 0:
            return ended
        await asyncio.sleep(min(pause, remaining))
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def _look(gateway: Gateway, pairs: Sequence[tuple[UUID, UUID]]) -> list[Outcome]:
    """What booking knows. While it is away nothing is settled: the places are taken, and the client is told what is moving."""
    try:
        return await gateway.owners.look(pairs)
    except ProblemError:
        return []
