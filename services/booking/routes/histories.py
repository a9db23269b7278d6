"""Histories of appointments, and the notes that clients write into them."""

from uuid import UUID

from fastapi import APIRouter, Request

from services.booking.routes.common import codec_of
from services.booking.service.appointments.history import read_history
from services.booking.service.appointments.notes import keep_note
from shared.contracts.appointments import History
from shared.contracts.internal import ROOT
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit
from shared.infra.forms import read_json

router = APIRouter(prefix=ROOT)


@router.get("/appointments/{appointment_id}/history")
async def get_history(request: Request, caller: ByCaller, appointment_id: UUID) -> History:
    """Reads all changes of an appointment."""
    codec = codec_of(request)
    return await in_unit(request, caller, read_history, codec, caller.clinic_id, appointment_id)


@router.put("/appointments/{appointment_id}/notes/{command_id}", status_code=204)
async def put_note(request: Request, caller: ByCaller, appointment_id: UUID, command_id: UUID) -> None:
    """Keeps the note of a command that is still to come."""
    data, codec = await read_json(request), codec_of(request)
    await in_unit(request, caller, keep_note, codec, caller.clinic_id, appointment_id, command_id, data)
