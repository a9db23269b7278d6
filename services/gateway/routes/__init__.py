"""HTTP in: the public API, one module for each subject. `router` is all of it below `/api/v1`."""

from fastapi import APIRouter

from services.gateway.answers import API
from services.gateway.routes import appointments, checkins, commands, doctors, patients

router = APIRouter(prefix=API)
for part in (patients, doctors, appointments, checkins, commands):
    router.include_router(part.router)
