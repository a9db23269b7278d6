"""The appointments whose wall time a change of a zone makes another one: availability names them, booking has them.

Called by the routes that change a doctor or the clinic.
"""

from typing import Any
from uuid import UUID

import orjson
from fastapi import Request, Response

from services.gateway.access.caller import ApiCaller
from services.gateway.calendar.displaced import PATIENCE_SECONDS, displaced_so_far
from services.gateway.gateway import Gateway, gateway_of
from services.gateway.owners.ask import OnFailure, ask
from services.gateway.owners.client import AVAILABILITY, OwnerAnswer
from services.gateway.owners.forward import answer_of
from shared.contracts.calendar import WallTimesFound, WallTimesQuestion

NOBODY = WallTimesFound(appointment_ids=[], left=0)


async def doctor_changed(request: Request, caller: ApiCaller, answer: OwnerAnswer) -> Response:
    """Availability's answer to a change of a doctor, with the appointments as booking has them."""
    if not answer.is_success:
        return answer_of(request, answer)
    doctor: dict[str, Any] = answer.body
    ids = [UUID(text) for text in doctor.pop("wall_time_changed_ids", [])]
    found = await displaced_so_far(gateway_of(request), caller, ids, PATIENCE_SECONDS)
    doctor["wall_time_changed"] = [one.model_dump(mode="json") for one in found.live]
    doctor["wall_time_changed_incomplete"] = bool(found.unknown)
    return answer_of(request, answer, content=orjson.dumps(doctor))


async def changed_by_clinic_zone(gateway: Gateway, caller: ApiCaller, data: object) -> WallTimesFound:
    """Whom a change of the clinic's settings would concern. To be asked before it: availability follows within a second.

    Nobody, unless it names another zone; one that is none is refused by the change itself. Raises `unavailable`.
    """
    zone = data.get("time_zone") if isinstance(data, dict) else None
    if not isinstance(zone, str) or zone == gateway.clinics.clinic.settings.time_zone:
        return NOBODY
    question = WallTimesQuestion.model_construct(time_zone=zone)
    path = "/internal/slots/wall-times"
    answer = await ask(gateway.owners, caller, AVAILABILITY, "POST", path, question, on_failure=OnFailure.GIVE_BACK)
    if answer.is_success:
        return WallTimesFound.model_validate_json(answer.content)
    if answer.status_code < 500:
        return NOBODY
    raise gateway.owners.unavailable(AVAILABILITY)
