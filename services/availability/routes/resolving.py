"""Which slot a client means."""

from fastapi import APIRouter, Request

from services.availability.service.slots.resolve import resolve_slot
from shared.contracts.calendar import SlotPlace, SlotQuestion
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit
from shared.infra.forms import parse, read_json

router = APIRouter()


@router.post("/slots/resolve")
async def post_resolve(request: Request, caller: ByCaller) -> SlotPlace:
    """Finds a slot by its id, or by doctor, start and perhaps location."""
    asked = parse(SlotQuestion, await read_json(request))
    return await in_unit(request, caller, lambda unit: resolve_slot(unit, caller, asked))
