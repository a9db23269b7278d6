"""The status of a command: its settled outcome, or that it still runs, for clients that have its ticket."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from services.gateway.access.open_access import ByApiCaller
from services.gateway.commands.command_status import status_of
from services.gateway.commands.tickets import MAX_TICKET_CHARACTERS
from services.gateway.gateway import gateway_of
from services.gateway.http.answers import running, view_of
from services.gateway.http.paths import command_path
from services.gateway.http.strict import public_router
from services.gateway.openapi import appointments as shown
from services.gateway.openapi import operations as doc
from services.gateway.schemas import CommandStatus, CommandView
from shared.contracts.commands import Outcome
from shared.contracts.problems import Code

router = public_router("Commands")

TicketText = Annotated[str | None, Query(max_length=MAX_TICKET_CHARACTERS, description="The ticket of the command's 202")]


@router.get(
    "/commands/{command_id}",
    operation_id="get_command",
    response_model=CommandView,
    responses=doc.answers(200, shown.SUCCEEDED, Code.VALIDATION_FAILED, Code.UNKNOWN_COMMAND)
    | doc.also(202, shown.RUNNING, "Still running", ["Location", "Retry-After"]),
)
async def get_command(request: Request, caller: ByApiCaller, command_id: UUID, ticket: TicketText = None) -> Response:
    """The outcome of a command of the same principal; 202 while it runs, to whom has the ticket that its acceptance gave.

    A decided command is known without a ticket: its last step may have answered a moment before the outcome is settled. One that
    nobody has decided long after its deadline is closed here and now as lost.
    """
    known = await status_of(gateway_of(request), caller, command_id, ticket)
    if isinstance(known, Outcome) and known.settled_at is not None:
        return Response(view_of(known, request).model_dump_json(), media_type="application/json")
    view = CommandView(command_id=command_id, type=known.type, status=CommandStatus.RUNNING, accepted_at=known.accepted_at)
    return running(view, {"Location": command_path(command_id, ticket)})
