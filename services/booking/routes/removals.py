"""Patients who are deleted, or merged into another."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.booking.routes.common import codec_of
from services.booking.service.patients.merge import merge_patients
from services.booking.service.patients.remove import delete_patient
from shared.contracts.internal import ROOT
from shared.contracts.patients import PatientView
from shared.contracts.shapes import Deleted
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit, mark, tagged
from shared.infra.forms import read_json

router = APIRouter(prefix=ROOT)


@router.delete("/patients/{patient_id}")
async def remove_patient(request: Request, caller: ByCaller, patient_id: UUID, cancel_appointments: bool = False) -> Deleted:
    """Deletes a patient."""
    return await in_unit(request, caller, delete_patient, caller, patient_id, cancel=cancel_appointments)


@router.post("/patients/{patient_id}/merge")
async def post_merge(request: Request, response: Response, caller: ByCaller, patient_id: UUID) -> PatientView:
    """Merges a patient into another."""
    data, codec = await read_json(request), codec_of(request)
    done = await in_unit(request, caller, merge_patients, codec, caller, patient_id, data)
    mark(response, replayed=done.replayed)
    return tagged(response, done.body)
