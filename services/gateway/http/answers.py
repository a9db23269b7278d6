"""From the end of a command to its HTTP answer: the final status, a problem, or 202 with a ticket. Called by the routes, and for
its 202 by the deletion of a doctor and by displacing.
"""

from collections.abc import Awaitable, Mapping

import orjson
import structlog
from fastapi import Request, Response
from pydantic import BaseModel

from services.gateway.commands.command import ApiCommand
from services.gateway.commands.refusals import problem_of
from services.gateway.commands.tickets import Ticket
from services.gateway.commands.waiters import Answered
from services.gateway.gateway import Gateway
from services.gateway.http.headers import IDEMPOTENCY_KEY, Preference
from services.gateway.http.paths import command_path
from services.gateway.schemas import CommandStatus, CommandView
from shared.contracts import internal
from shared.contracts.commands import Outcome
from shared.contracts.envelope import ClientCommand
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError, problem_body


async def answer_command(
    gateway: Gateway,
    command: ApiCommand,
    message: Awaitable[ClientCommand],
    preference: Preference,
    location: str | None = None,
) -> Response:
    """Submits the command and answers with its end, or with 202. `{id}` of `location` is the id of the result."""
    headers = {"Command-Id": str(command.command_id), **preference.headers}
    # On every line that is logged from here on, the access log's too.
    structlog.contextvars.bind_contextvars(command_id=headers["Command-Id"], clinic_id=str(command.caller.clinic_id))
    try:
        answered = await gateway.commands.submit(command, message, preference.wait_seconds)
    except ProblemError as problem:
        raise _with_headers(gateway, command, problem, headers) from None
    if answered is None:
        view = CommandView(
            command_id=command.command_id, type=command.type, status=CommandStatus.RUNNING, accepted_at=command.accepted_at
        )
        return running(view, {**headers, "Location": _status_path(gateway, command)})
    return _ended(answered, headers, location)


def _ended(answered: Answered, headers: dict[str, str], location: str | None) -> Response:
    answer = answered.answer
    if answered.replayed:
        headers[internal.REPLAYED] = "true"
    if answer.code is not None:
        raise problem_of(answer.code, answer, headers)
    result = answer.result or {}
    if location and "id" in result:
        headers["Location"] = location.format(id=result["id"])
    return Response(orjson.dumps(result), answer.status_code, headers, "application/json")


def _with_headers(gateway: Gateway, command: ApiCommand, problem: ProblemError, headers: dict[str, str]) -> ProblemError:
    """The refusal with the headers of a command. One that may still arrive has its ticket and the key to repeat it with."""
    extra = problem.extra
    if problem.code == Code.UNKNOWN_OUTCOME:
        headers = {**headers, "Location": _status_path(gateway, command), IDEMPOTENCY_KEY: command.key}
        extra = {**extra, "command_id": str(command.command_id)}
    return ProblemError(problem.code, problem.detail, errors=problem.errors, headers={**problem.headers, **headers}, extra=extra)


def _status_path(gateway: Gateway, command: ApiCommand) -> str:
    """Where the status of the command is read, with the ticket that proves that it was accepted."""
    ticket = Ticket(
        clinic_id=command.caller.clinic_id,
        command_id=command.command_id,
        type=command.type,
        principal=command.caller.principal,
        body_hash=command.body_hash,
        accepted_at=command.accepted_at,
        decide_by=command.decide_by,
    )
    return command_path(command.command_id, gateway.tickets.write(ticket))


def running(view: BaseModel, headers: Mapping[str, str]) -> Response:
    """202: what is asked for has begun and is not done yet; ask again in a second."""
    return Response(view.model_dump_json(by_alias=True), 202, {"Retry-After": "1", **headers}, "application/json")


def without_body(answer: Response) -> Response:
    """The answer of a DELETE: 204 for what another method answers with a body."""
    if answer.status_code != 200:
        return answer
    headers = {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")}
    return Response(None, 204, headers)


def view_of(outcome: Outcome, request: Request) -> CommandView:
    """A settled outcome as clients read it."""
    answer, problem = outcome.answer, None
    if answer.code is not None:
        error = problem_of(answer.code, answer)
        problem = problem_body(error, instance=request.url.path, correlation_id=request.state.correlation_id)
    return CommandView(
        command_id=outcome.command_id,
        type=outcome.type,
        status=CommandStatus.SUCCEEDED if answer.succeeded else CommandStatus.REFUSED,
        status_code=answer.status_code,
        result=answer.result if answer.succeeded else None,
        problem=problem,
        accepted_at=outcome.accepted_at,
        decided_at=outcome.decided_at,
    )
