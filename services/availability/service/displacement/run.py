"""One displacement on its way, judged, with what it needs to know. Used by `find.py` and `displace.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

from services.availability.domain.dates import range_error
from services.availability.domain.displacement import PlaceBound
from services.availability.repository.doctors import doctor_rows
from services.availability.repository.doctors.search import DoctorFilter, matching
from shared.contracts.clinics import ClinicSettings
from shared.contracts.displacement import MAX_DISPLACE_DAYS, DisplaceIn, DisplaceOrder, Policy
from shared.contracts.problems import Code, FieldError
from shared.contracts.shapes import Active
from shared.infra import clinic_settings
from shared.infra.caller import Caller
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


@dataclass(frozen=True)
class DisplacementRun:
    """Who asks for what, what it is judged by, and whose places may be taken."""

    caller: Caller
    doctor_id: UUID
    asked: DisplaceIn
    body_hash: str
    patients: Mapping[UUID, UUID]
    """By appointment: these alone are moved."""
    left: int
    clinic: ClinicSettings
    receiving_doctors: frozenset[UUID]

    @property
    def bound(self) -> PlaceBound:
        """From where on a new place may be."""
        return PlaceBound(self.asked.policy is Policy.SAME_DOCTOR, self.asked.not_before)

    def command_id_of(self, appointment_id: UUID) -> UUID | None:
        """The command that moves one appointment: it has one outcome, whatever becomes of the others. A dry run has none."""
        return uuid5(self.caller.command_id, str(appointment_id)) if self.caller.command_id else None


async def prepare(unit: RegistryUnit, caller: Caller, doctor_id: UUID, order: DisplaceOrder, body_hash: str) -> DisplacementRun:
    """The run of an order whose dates were checked. Raises `unknown_doctor` and `validation_failed`."""
    return DisplacementRun(
        caller,
        doctor_id,
        order.asked,
        body_hash,
        patients={one.appointment_id: one.patient_id for one in order.appointments},
        left=order.left,
        receiving_doctors=await receiving_doctors(unit, caller, doctor_id, order.asked.policy),
        clinic=await clinic_settings.of(unit.connection, caller.clinic_id),
    )


def check_dates(asked: DisplaceIn) -> None:
    """Raises `validation_failed` if the dates are no range, or too long a one."""
    if error := range_error(asked.from_, asked.to, MAX_DISPLACE_DAYS):
        raise ProblemError(Code.VALIDATION_FAILED, errors=[error])


async def receiving_doctors(unit: RegistryUnit, caller: Caller, doctor_id: UUID, policy: Policy) -> frozenset[UUID]:
    """The doctors to whom the policy brings patients. Raises `unknown_doctor`, also for a deleted one."""
    doctor = await doctor_rows.get(unit.sql, caller.clinic_id, doctor_id)
    if doctor is None or doctor.status is not Active.ACTIVE:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    if policy is Policy.SAME_DOCTOR:
        return frozenset({doctor_id})
    if doctor.category is None:
        errors = [FieldError(field="policy", reason="needs a doctor with a category")]
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
    colleagues = await matching(unit.sql, caller.clinic_id, DoctorFilter(category=doctor.category.id), None)
    return frozenset(colleagues) - {doctor_id}
