"""Outcomes of commands, for gateways: looking them up, and closing commands that never arrived."""

from fastapi import APIRouter, Request

from services.booking.service.outcomes.close import close_commands
from services.booking.service.outcomes.lookup import look_up_outcomes
from shared.contracts.commands import CloseCommands, CommandLook, Outcomes
from shared.contracts.internal import ROOT
from shared.infra.calls import runtime
from shared.infra.postgres import shielded

router = APIRouter(prefix=ROOT)


@router.post("/commands/look")
async def post_lookup(request: Request, asked: CommandLook) -> Outcomes:
    """Looks up outcomes. They may be of several clinics: each pair names one."""
    return await look_up_outcomes(runtime(request).units, asked)


@router.post("/commands/close")
async def post_close(request: Request, asked: CloseCommands) -> Outcomes:
    """Refuses as `lost` what is long past its deadline and has no outcome."""
    return await shielded(close_commands(runtime(request).units, asked, request.state.correlation_id))
