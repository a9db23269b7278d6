"""Commands: what became of them, and the end of those that are lost."""

from fastapi import APIRouter, Request

from services.booking.service.outcomes.repeats import close, look
from shared.contracts.commands import CloseCommands, CommandLook, Outcomes
from shared.infra.calls import runtime
from shared.infra.postgres import shielded

router = APIRouter()


@router.post("/commands/look")
async def post_look(request: Request, asked: CommandLook) -> Outcomes:
    """Looks up outcomes; the pairs say for which clinics."""
    return await look(runtime(request).database, asked)


@router.post("/commands/close")
async def post_close(request: Request, asked: CloseCommands) -> Outcomes:
    """Refuses as lost what is long past its deadline and has no outcome."""
    return await shielded(close(runtime(request).units, asked, request.state.correlation_id))
