"""What availability emits about doctors on `registry.events`: the id and status only. Used by all that changes doctors."""

from uuid import UUID

from shared.contracts.registry import DoctorChanged
from shared.contracts.shapes import Active
from shared.contracts.topics import REGISTRY_EVENTS
from shared.infra.caller import Caller
from shared.infra.unit import Unit


def emit_changed(unit: Unit, caller: Caller, doctor_id: UUID, status: Active, version: int) -> None:
    """A doctor was registered, changed or deleted."""
    unit.emit(REGISTRY_EVENTS, DoctorChanged(**unit.envelope(caller), version=version, doctor_id=doctor_id, status=status))
