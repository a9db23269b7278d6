"""From the end of a command to its HTTP answer: the final status, a problem, or 202 with a ticket. Called by the routes."""

from collections.abc import Mapping
from uuid import UUID

import orjson
import structlog
from fastapi import Request, Response

from services.gateway.access.caller import ApiCaller
from services.gateway.commands.command import Command
from services.gateway.commands.tickets import Ticket
from services.gateway.commands.waiters import Answered
from services.gateway.gateway import Gateway
from services.gateway.http.headers import IDEMPOTENCY_KEY, Preference
from services.gateway.schemas import CommandStatus, CommandView
from shared.contracts.commands import Answer, Outcome
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError, problem_body

API = "/api/v1"
REPLAYED = "Idempotent-Replayed"


async def answer_command(gateway: Gateway, command: Command, preference: Preference, location: str | None = None) -> Response:
    """Submits the command and answers with its end, or with 202. `location` is what `{id}` of the result is put into."""
    headers = {"Command-Id": str(command.command_id)}
    # On every line that is logged from here on, the access log's too.
    structlog.contextvars.bind_contextvars(command_id=headers["Command-Id"], clinic_id=str(command.caller.clinic_id))
    if preference.applied:
        headers["Preference-Applied"] = preference.applied
    try:
        answered = await gateway.commands.submit(command, preference.wait_seconds)
    except ProblemError as problem:
        raise _with_way_back(gateway, command, problem, headers) from None
    if answered is None:
        return _running(gateway, command, headers)
    return _ended(answered, headers, location)


def without_body(answer: Response) -> Response:
    """The answer of a DELETE: 204 for what another method says with a body."""
    if answer.status_code != 200:
        return answer
    headers = {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")}
    return Response(None, 204, headers)


def view_of(outcome: Outcome, request: Request) -> CommandView:
    """A settled outcome as clients read it."""
    answer = outcome.answer
    return CommandView(
        command_id=outcome.command_id,
        type=outcome.type,
        status=CommandStatus.SUCCEEDED if answer.succeeded else CommandStatus.REFUSED,
        status_code=answer.status_code,
        result=answer.result if answer.succeeded else None,
        problem=_problem(answer, request),
        accepted_at=outcome.accepted_at,
        decided_at=outcome.decided_at,
    )


def running(view: CommandView, headers: Mapping[str, str]) -> Response:
    """202: ask again in a second."""
    return Response(view.model_dump_json(), 202, {"Retry-After": "1", **headers}, "application/json")


def _problem(answer: Answer, request: Request) -> dict[str, object] | None:
    if answer.code is None:
        return None
    return problem_body(ProblemError(answer.code), instance=request.url.path, correlation_id=request.state.correlation_id)


def _ended(answered: Answered, headers: dict[str, str], location: str | None) -> Response:
    answer = answered.answer
    if answered.replayed:
        headers[REPLAYED] = "true"
    if answer.code is not None:
        raise ProblemError(answer.code, headers=headers)
    result = answer.result or {}
    if location and "id" in result:
        headers["Location"] = location.format(id=result["id"])
    return Response(orjson.dumps(result), answer.status_code, headers, "application/json")


def _running(gateway: Gateway, command: Command, headers: dict[str, str]) -> Response:
    view = CommandView(
        command_id=command.command_id, type=command.type, status=CommandStatus.RUNNING, accepted_at=command.accepted_at
    )
    return running(view, {**headers, "Location": ticket_location(gateway, command)})


def _with_way_back(gateway: Gateway, command: Command, problem: ProblemError, headers: dict[str, str]) -> ProblemError:
    """Adds to a refusal how to ask again: of a command that may still arrive, its ticket and the key to repeat it with."""
    extra = problem.extra
    if problem.code == Code.UNKNOWN_OUTCOME:
        headers = {**headers, "Location": ticket_location(gateway, command), IDEMPOTENCY_KEY: command.key}
        extra = {**extra, "command_id": str(command.command_id)}
    return ProblemError(problem.code, problem.detail, errors=problem.errors, headers={**problem.headers, **headers}, extra=extra)


def ticket_location(gateway: Gateway, command: Command) -> str:
    """Where the command is told of, with the ticket that proves it was accepted."""
    caller: ApiCaller = command.caller
    ticket = Ticket(
        clinic_id=caller.clinic_id,
        command_id=command.command_id,
        type=command.type,
        principal=caller.principal,
        body_hash=command.body_hash,
        accepted_at=command.accepted_at,
        decide_by=command.decide_by,
    )
    return command_path(command.command_id, gateway.tickets.write(ticket))


def command_path(command_id: UUID, ticket: str | None) -> str:
    """Where a command is told of; one that is decided needs no ticket."""
    return f"{API}/commands/{command_id}" + (f"?ticket={ticket}" if ticket else "")
