"""HTTP in, for the gateway only. This service alone judges bodies; refusals are problems."""

from services.availability.routes import calendar, days, directory, displacement, doctors, slots

routers = tuple(part.router for part in (doctors, directory, days, calendar, displacement, slots))
