"""Registry changes on `registry.events` (compacted: each entity's last). They carry no name and no number of a patient.

The shapes of registry calls: `patients.py`, `directory.py`, `calendar.py`, `clinics.py`.
"""

from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.clinics import ClinicSettings
from shared.contracts.envelope import RegistryMessage
from shared.contracts.shapes import Active


class ClinicChanged(RegistryMessage):
    """A clinic and its settings as they are now."""

    kind: ClassVar[str] = "clinic"
    type: Literal["ClinicChanged"] = "ClinicChanged"
    code: str
    settings: ClinicSettings

    @property
    def entity_id(self) -> UUID:
        return self.clinic_id


class DoctorChanged(RegistryMessage):
    """A doctor as other services need to know it."""

    kind: ClassVar[str] = "doctor"
    type: Literal["DoctorChanged"] = "DoctorChanged"
    doctor_id: UUID
    status: Active

    @property
    def entity_id(self) -> UUID:
        return self.doctor_id


class PatientChanged(RegistryMessage):
    """A patient as other services may know it: an id and whether it is in use, nothing else."""

    kind: ClassVar[str] = "patient"
    type: Literal["PatientChanged"] = "PatientChanged"
    patient_id: UUID
    status: Active

    @property
    def entity_id(self) -> UUID:
        return self.patient_id
