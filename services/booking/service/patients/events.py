"""What booking emits about patients on `registry.events`: the id and status only. Used by the use cases that change patients."""

from uuid import UUID

from shared.contracts.registry import PatientChanged
from shared.contracts.shapes import Active
from shared.contracts.topics import REGISTRY_EVENTS
from shared.infra.caller import Caller
from shared.infra.unit import Unit


def emit_changed(unit: Unit, caller: Caller, patient_id: UUID, status: Active, version: int) -> None:
    """A patient was registered, changed or deleted."""
    unit.emit(REGISTRY_EVENTS, PatientChanged(**unit.envelope(caller), version=version, patient_id=patient_id, status=status))
