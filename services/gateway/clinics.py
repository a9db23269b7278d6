"""Telling the other services of clinics and their settings: every version once it is known, through the outbox."""

from services.gateway import repository
from shared.contracts.registry import ClinicChanged
from shared.contracts.topics import REGISTRY_EVENTS
from shared.infra.ids import new_id
from shared.infra.unit import Unit, Units

ACTOR = "system"


async def announce_clinics(units: Units) -> int:
    """Announces what changed since the last time; answers how many clinics that were."""
    async with units.batch(()) as unit:
        changed = await repository.take_unannounced(unit.connection)
        for clinic in changed:
            _announce(unit, clinic)
    return len(changed)


def _announce(unit: Unit, clinic: repository.Clinic) -> None:
    message_id = new_id()
    message = ClinicChanged(
        message_id=message_id,
        clinic_id=clinic.id,
        correlation_id=message_id.hex,
        actor=ACTOR,
        occurred_at=unit.now,
        version=clinic.version,
        code=clinic.code,
        settings=clinic.settings,
    )
    unit.announce(REGISTRY_EVENTS, message)
