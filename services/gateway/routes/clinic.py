"""The clinic's settings, which are the gateway's own."""

from fastapi import Request, Response

from services.gateway.access.caller import ApiCaller
from services.gateway.access.open_access import ByApiCaller
from services.gateway.clinics.service import change_settings
from services.gateway.gateway import Gateway, gateway_of
from services.gateway.http.strict import public_router
from services.gateway.openapi import clinic as shown
from services.gateway.openapi import operations as doc
from services.gateway.repository.clinics import Clinic
from shared.contracts.clinics import ClinicView, SettingsPatch
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
    return _answer(await gateway_of(request).clinics.refresh())


@router.patch(
    "/clinic",
    operation_id="update_clinic",
    response_model=ClinicView,
    responses=doc.answers(200, shown.CHANGED, *doc.BODY_CODES, Code.STALE, carries=doc.ENTITY),
    openapi_extra=doc.changes(SettingsPatch, shown.PATCH),
)
async def update_clinic(request: Request, caller: ByApiCaller) -> Response:
    """Changes settings; what is left out stays. The services act by them within seconds."""
    gateway, data = gateway_of(request), await read_json(request)
    clinic = await shielded(_changed(gateway, caller, data))
    gateway.clinics.update(clinic)
    return _answer(clinic)


async def _changed(gateway: Gateway, caller: ApiCaller, data: object) -> Clinic:
    async with gateway.units.registry(caller.clinic_id) as unit:
        return await change_settings(unit, caller, data)


def _answer(clinic: Clinic) -> Response:
    view = ClinicView(id=clinic.id, code=clinic.code, settings=clinic.settings, version=clinic.version)
    return Response(view.model_dump_json(), 200, {"ETag": etag(clinic.version)}, "application/json")
