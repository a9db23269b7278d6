"""A question of the gateway's own to an owner, a model in and an answer out. The call names what an owner's failure means to it.

Used by the messages of commands and by what a calendar displaces. What clients send to owners is forwarded (`forward.py`).
"""

import asyncio
from enum import Enum, auto
from uuid import UUID

import httpx2
import structlog
from pydantic import BaseModel

from services.gateway.access.caller import ApiCaller
from services.gateway.http.retries import refusal_to_repeat
from services.gateway.owners.client import READ_SECONDS, OwnerAnswer, Owners
from shared.contracts.later_values import value_of
from shared.contracts.problems import Code, FieldError
from shared.infra.problems import Problem, ProblemError

log = structlog.get_logger()

COMMAND_SECONDS = 3.0
"""So long a command waits for an owner before it is published."""


class OnFailure(Enum):
    """What it means that an owner refuses, fails, or does not answer."""

    GIVE_BACK = auto()
    """A refusal or a failure is given back like any answer: it goes to the client. No answer at all is `unavailable`."""
    UNAVAILABLE = auto()
    """Whatever it is, the problem `unavailable` is raised: a complete answer needs this owner."""
    REFUSE_COMMAND = auto()
    """A refusal is raised as it is. Anything else, or no answer in time, is `not_accepted`: the command is not published."""


async def ask(
    owners: Owners,
    caller: ApiCaller,
    owner: str,
    method: str,
    path: str,
    body: BaseModel | None = None,
    *,
    on_failure: OnFailure,
    command_id: UUID | None = None,
) -> OwnerAnswer:
    """The owner's answer: one of success, unless failures are given back. Raises a `ProblemError`."""
    content = body.model_dump_json(by_alias=True, exclude_none=True).encode() if body is not None else None
    seconds = COMMAND_SECONDS if on_failure is OnFailure.REFUSE_COMMAND else READ_SECONDS
    try:
        async with asyncio.timeout(seconds if on_failure is OnFailure.REFUSE_COMMAND else None):
            answer = await owners.call(owner, method, path, caller, content=content, command_id=command_id, seconds=seconds)
    except (ProblemError, TimeoutError):
        if on_failure is OnFailure.REFUSE_COMMAND:
            raise refusal_to_repeat(owners.clock, Code.NOT_ACCEPTED) from None
        raise
    if answer.is_success or on_failure is OnFailure.GIVE_BACK:
        return answer
    if on_failure is OnFailure.UNAVAILABLE:
        raise owners.unavailable(owner)
    if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
        raise refusal_to_repeat(owners.clock, Code.NOT_ACCEPTED)
    raise refusal_of(answer)


def refusal_of(answer: OwnerAnswer) -> ProblemError:
    """The owner's refusal as one of ours, with all that it says; `internal` if it says nothing that this version knows."""
    try:
        said = dict(answer.body)
        errors = [FieldError.model_validate(one) for one in said.get("errors", ())]
        extra = {name: value for name, value in said.items() if name not in Problem.model_fields}
        code = value_of(Code, said["code"])
        return ProblemError(code, said.get("detail"), errors=errors, extra=extra, later_status=answer.status_code)
    except (ValueError, TypeError, KeyError):
        log.warning("refusal_not_understood", status=answer.status_code)
        return ProblemError(Code.INTERNAL)
