"""HTTP in: the public API, one module for each subject. `routers` are all of it, below `/api/v1`.

A request is matched in their order, and again on every level of routers within routers: so bookings come first, and nothing is
between these and the application.
"""

from services.gateway.routes import (
    appointments,
    calendar,
    changes,
    checkins,
    clinic,
    commands,
    directory,
    displacement,
    doctors,
    patients,
)

routers = tuple(
    part.router
    for part in (appointments, changes, checkins, commands, calendar, displacement, patients, doctors, directory, clinic)
)
