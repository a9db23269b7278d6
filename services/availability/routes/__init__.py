"""HTTP in, for the gateway only. This service alone judges bodies; refusals are problems."""

from fastapi import APIRouter

from services.availability.routes import calendar, days, directory, displacement, doctors, slots

router = APIRouter(prefix="/internal")
for _part in (doctors, directory, days, calendar, displacement, slots):
    router.include_router(_part.router)
