"""The clinic's settings, which are the gateway's own."""

from fastapi import Request, Response

from services.gateway.access.caller import ApiCaller
from services.gateway.access.open_access import ByApiCaller
from services.gateway.calendar.displaced import PATIENCE_SECONDS, displaced_so_far
from services.gateway.calendar.zone_changes import changed_by_clinic_zone
from services.gateway.clinics.service import change_settings
from services.gateway.gateway import Gateway, gateway_of
from services.gateway.http.strict import public_router
from services.gateway.openapi import clinic as shown
from services.gateway.openapi import operations as doc
from services.gateway.repository.clinics import Clinic
from shared.contracts.clinics import ClinicAnswer, ClinicView, SettingsPatch
from shared.contracts.problems import Code
from shared.infra.forms import etag, read_json
from shared.infra.postgres import shielded

router = public_router("Clinic")


@router.get(
    "/clinic",
    operation_id="get_clinic",
    response_model=ClinicView,
    responses=doc.answers(200, shown.CLINIC, Code.VALIDATION_FAILED, carries=doc.ENTITY),
)
async def get_clinic(request: Request) -> Response:
    """Reads the clinic and its settings."""
    return _answer(_view(await gateway_of(request).clinics.refresh()))


@router.patch(
    "/clinic",
    operation_id="update_clinic",
    response_model=ClinicAnswer,
    responses=doc.answers(200, shown.CHANGED, *doc.BODY_CODES, Code.STALE, carries=doc.ENTITY),
    openapi_extra=doc.changes(SettingsPatch, shown.PATCH),
)
async def update_clinic(request: Request, caller: ByApiCaller) -> Response:
    """Changes settings; what is left out stays. The services act by them within seconds.

    Another zone changes no instant: the answer names the appointments for which a clock shows another time then.
    """
    gateway, data = gateway_of(request), await read_json(request)
    named = await changed_by_clinic_zone(gateway, caller, data)
    clinic = await shielded(_changed(gateway, caller, data))
    gateway.clinics.update(clinic)
    found = await displaced_so_far(gateway, caller, named.appointment_ids, PATIENCE_SECONDS)
    view = ClinicAnswer(
        **_view(clinic).model_dump(),
        wall_time_changed=found.live,
        wall_time_changed_incomplete=bool(found.unknown),
        wall_time_changed_left=named.left,
    )
    return _answer(view)


async def _changed(gateway: Gateway, caller: ApiCaller, data: object) -> Clinic:
    async with gateway.units.registry(caller.clinic_id) as unit:
        return await change_settings(unit, caller, data)


def _view(clinic: Clinic) -> ClinicView:
    return ClinicView(id=clinic.id, code=clinic.code, settings=clinic.settings, version=clinic.version)


def _answer(view: ClinicView) -> Response:
    return Response(view.model_dump_json(), 200, {"ETag": etag(view.version)}, "application/json")
