"""HTTP in: the public API, one module for each subject. `routers` are all of it.

A request is matched in their order, so bookings come first.
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
