"""Announces clinics to the other services: each version of a clinic becomes one `ClinicChanged`, through the outbox.

A change of settings is announced in its own transaction (`service.py`). What was written otherwise, as a new clinic is, is
announced at the start of a gateway (`kafka_connection.py`).
"""

from services.gateway.access.caller import ApiCaller
from services.gateway.repository import clinics
from services.gateway.repository.clinics import Clinic
from shared.contracts.registry import ClinicChanged
from shared.contracts.topics import REGISTRY_EVENTS
from shared.infra.audit import SYSTEM, Cause
from shared.infra.unit import Unit, Units


async def announce_clinics(units: Units) -> int:
    """Announces the clinics whose version is not announced yet, and answers how many these were. Of two gateways one does."""
    async with units.batch(()) as unit:
        unannounced = await clinics.take_unannounced(unit.connection)
        for clinic in unannounced:
            announce(unit, ApiCaller(clinic.id, SYSTEM, SYSTEM, unit.new_id().hex), clinic)
    return len(unannounced)


def announce(unit: Unit, cause: Cause, clinic: Clinic) -> None:
    """Emits the clinic as it is now."""
    changed = ClinicChanged(**unit.envelope(cause), version=clinic.version, code=clinic.code, settings=clinic.settings)
    unit.emit(REGISTRY_EVENTS, changed)
