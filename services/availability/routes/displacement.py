"""Moving displaced appointments: the gateway asks which there are, reads them at booking, and then has them moved."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.availability.service.displacement.displace import displace
from services.availability.service.displacement.find import find_displaced
from shared.contracts.displacement import DisplacedFound, DisplacePlan
from shared.contracts.internal import ROOT
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit, mark
from shared.infra.forms import read_json

router = APIRouter(prefix=f"{ROOT}/doctors/{{doctor_id}}")


@router.post("/displaced")
async def post_displaced(request: Request, response: Response, caller: ByCaller, doctor_id: UUID) -> DisplacedFound:
    """Which appointments of some dates are displaced, or what was done about them under the same key."""
    data = await read_json(request)
    found = await in_unit(request, caller, find_displaced, caller, doctor_id, data)
    mark(response, replayed=found.plan is not None)
    return found


@router.post("/displace")
async def post_displace(request: Request, response: Response, caller: ByCaller, doctor_id: UUID) -> DisplacePlan:
    """Takes new places for displaced appointments."""
    data = await read_json(request)
    question_after_seconds: float = request.app.state.question_after_seconds
    done = await in_unit(request, caller, displace, caller, doctor_id, data, question_after_seconds)
    mark(response, replayed=done.replayed)
    return done.body
