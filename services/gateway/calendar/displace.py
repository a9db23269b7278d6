"""Moves displaced appointments, and answers how each of the moves ended. Called by the displacement's route.

Availability knows which places are lost, booking whose they are and who has checked in; then availability takes all new places in
one transaction, and booking makes each move as a command of its own. The answer is made of what availability keeps under the key
of the call and of the outcomes of those commands: a repeat is answered the same, or the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import httpx2
from fastapi import Request, Response
from pydantic import BaseModel

from services.gateway.access.caller import ApiCaller
from services.gateway.calendar.displaced import displaced_appointments
from services.gateway.calendar.polling import poll_until
from services.gateway.commands.refusals import detail_of
from services.gateway.gateway import Gateway, gateway_of
from services.gateway.http.answers import running
from services.gateway.http.headers import IDEMPOTENCY_KEY
from services.gateway.http.reading import operation_of, read_command
from services.gateway.owners.ask import OnFailure, ask
from services.gateway.owners.client import AVAILABILITY, BOOKING, OwnerAnswer
from services.gateway.owners.forward import answer_of, kept_headers
from shared.contracts.appointments import Status
from shared.contracts.commands import Answer, Outcome
from shared.contracts.displacement import (
    NO_PLACE,
    AppointmentPatient,
    DisplaceAnswer,
    DisplacedFound,
    DisplaceIn,
    DisplaceOrder,
    DisplacePlan,
    Moved,
    MoveQuestion,
    MoveRefusals,
    MovesQuestion,
    NotMoved,
)
from shared.infra import ids
from shared.infra.problems import ProblemError

NOTHING_OPEN = "No open place was found"


@dataclass(frozen=True)
class DisplaceCall:
    """One call: the doctor, what is asked for, and the command id that it is kept under, which a dry run has none of."""

    gateway: Gateway
    caller: ApiCaller
    doctor_id: UUID
    asked: DisplaceIn
    command_id: UUID | None

    def way_back(self, key: str) -> dict[str, str]:
        """The key to repeat a call with of which nobody knows whether it was done: it may have been made up here."""
        return {IDEMPOTENCY_KEY: key} if self.command_id else {}

    async def plan(self) -> tuple[OwnerAnswer, DisplacePlan | None]:
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
        live = await displaced_appointments(self.gateway, self.caller, found.appointment_ids)
        to_move = [
            AppointmentPatient(appointment_id=one.id, patient_id=one.patient_id)
            for one in live
            if one.status is not Status.CHECKED_IN
        ]
        return DisplaceOrder(asked=self.asked, appointments=to_move, left=found.left)

    async def _ask(self, verb: str, body: BaseModel) -> OwnerAnswer:
        """Asks availability. Its refusal is the answer to the client."""
        path, owners = f"/internal/doctors/{self.doctor_id}/{verb}", self.gateway.owners
        return await ask(
            owners, self.caller, AVAILABILITY, "POST", path, body, on_failure=OnFailure.GIVE_BACK, command_id=self.command_id
        )

    async def tried(self, plan: DisplacePlan) -> DisplaceAnswer:
        """The plan of a dry run, with what booking would say of each move."""
        moves = [MoveQuestion(appointment_id=step.appointment_id, to=step.to) for step in plan.steps if step.to]
        path, body = "/internal/appointments/refusals", MovesQuestion(moves=moves)
        answer = await ask(self.gateway.owners, self.caller, BOOKING, "POST", path, body, on_failure=OnFailure.UNAVAILABLE)
        found = MoveRefusals.model_validate_json(answer.content).refusals
        refused = {one.appointment_id: one.answer for one in found}
        moved = Answer(status_code=200)
        return plan_view(plan, {one.appointment_id: refused.get(one.appointment_id, moved) for one in plan.steps})

    async def done(self, plan: DisplacePlan, deadline: float) -> DisplaceAnswer:
        """The plan, with the end of each move: of all, or of those that are settled when the client waits no longer."""
        ended = await self._settled(plan, deadline)
        of_steps = {step.appointment_id: ended[step.command_id].answer for step in plan.steps if step.command_id in ended}
        return plan_view(plan, of_steps)

    async def _settled(self, plan: DisplacePlan, deadline: float) -> dict[UUID | None, Outcome]:
        """The settled outcomes of the plan's commands."""
        commands = {step.command_id for step in plan.steps if step.command_id}

        async def ask_booking(ended: dict[UUID | None, Outcome]) -> dict[UUID | None, Outcome]:
            pairs = [(self.caller.clinic_id, command_id) for command_id in commands - ended.keys()]
            try:
                found = await self.gateway.owners.outcomes(pairs)
            except ProblemError:  # nothing is settled: the places are taken, and the client is told what is moving
                return ended
            return ended | {outcome.command_id: outcome for outcome in found if outcome.settled_at}

        ended = await ask_booking({})
        return await poll_until(self.gateway.clock, deadline, ended, lambda ended: len(ended) == len(commands), ask_booking)


async def displace_appointments(request: Request, caller: ApiCaller, doctor_id: UUID) -> Response:
    """Moves what is displaced. 200 once all moves are settled, 202 if that takes longer than the client waits."""
    posted = await read_command(request, DisplaceIn)
    gateway = gateway_of(request)
    deadline = gateway.clock.monotonic() + posted.preference.wait_seconds
    key = gateway.key_of(posted)
    dry_run = posted.body.dry_run
    command_id = None if dry_run else ids.command_id(caller.clinic_id, caller.principal, operation_of(request), key)
    displacing = DisplaceCall(gateway, caller, doctor_id, posted.body, command_id)
    try:
        answer, plan = await displacing.plan()
    except ProblemError as problem:
        raise ProblemError(problem.code, problem.detail, headers={**problem.headers, **displacing.way_back(key)}) from None
    if plan is None:
        refused = answer_of(request, answer)
        refused.headers.update(displacing.way_back(key) if refused.status_code == httpx2.codes.SERVICE_UNAVAILABLE else {})
        return refused
    view = await displacing.tried(plan) if dry_run else await displacing.done(plan, deadline)
    if view.moving:
        return running(view, {**kept_headers(answer), **posted.preference.headers, IDEMPOTENCY_KEY: key})
    return answer_of(request, answer, posted.preference.headers, view.model_dump_json(by_alias=True).encode())


def plan_view(plan: DisplacePlan, answers: Mapping[UUID, Answer]) -> DisplaceAnswer:
    """The plan as the client reads it, with how the move of each appointment ends, as far as that is known."""
    moved: list[Moved] = []
    moving: list[Moved] = []
    not_moved: list[NotMoved] = []
    for step in plan.steps:
        answer = answers.get(step.appointment_id)
        code = NO_PLACE if step.to is None else answer and answer.code
        if code:
            reason = detail_of(code, answer) if answer and code != NO_PLACE else NOTHING_OPEN
            not_moved.append(NotMoved.model_validate({**step.model_dump(by_alias=True), "code": code, "reason": reason}))
        else:
            place = Moved.model_validate(step.model_dump(by_alias=True))
            (moved if answer else moving).append(place)
    return DisplaceAnswer(moved=moved, moving=moving, not_moved=not_moved, left=plan.left)
