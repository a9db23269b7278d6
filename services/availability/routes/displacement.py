"""Moving displaced appointments: the gateway asks which there are, looks at them at booking, and then has them moved."""

from typing import cast
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.availability.service.displacement.displace import displace, find_displaced
from services.availability.settings import Settings
from shared.contracts.displacement import DisplacedFound, DisplacePlan
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit, mark, runtime
from shared.infra.forms import read_json

router = APIRouter(prefix="/doctors/{doctor_id}")


@router.post("/displaced")
async def post_displaced(request: Request, response: Response, caller: ByCaller, doctor_id: UUID) -> DisplacedFound:
    """Which appointments of some dates are displaced, or what was done about them under the same key."""
    data = await read_json(request)
    found = await in_unit(request, caller, lambda unit: find_displaced(unit, caller, doctor_id, data))
    mark(response, replayed=found.plan is not None)
    return found


@router.post("/displace")
async def post_displace(request: Request, response: Response, caller: ByCaller, doctor_id: UUID) -> DisplacePlan:
    """Takes new places for displaced appointments."""
    data, patience = await read_json(request), cast(Settings, runtime(request).settings).question_after_seconds
    done = await in_unit(request, caller, lambda unit: displace(unit, caller, doctor_id, data, patience))
    mark(response, replayed=done.replayed)
    return done.body
