"""HTTP in, for the gateway only. This service alone judges bodies; refusals are problems."""

from fastapi import APIRouter

from services.booking.routes import appointments, commands, histories, patients, removals

router = APIRouter(prefix="/internal")
for _part in (patients, removals, appointments, histories, commands):
    router.include_router(_part.router)
