"""HTTP in, for the gateway only. This service alone judges bodies; refusals are problems."""

from services.booking.routes import appointments, commands, histories, patients, removals

routers = tuple(part.router for part in (patients, removals, appointments, histories, commands))
