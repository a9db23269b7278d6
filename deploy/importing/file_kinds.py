"""What can be imported: which columns a file may have, which it needs, and which service takes its lines."""

from dataclasses import dataclass

from shared.contracts.directory import DoctorLine
from shared.contracts.patients import PatientLine


@dataclass(frozen=True)
class ImportKind:
    """One kind of file. `owner` is the service that takes its lines; a header has to have one of the combinations in `needed`."""

    name: str
    owner: str
    columns: tuple[str, ...]
    needed: tuple[tuple[str, ...], ...]


PATIENTS = ImportKind(
    "patients", "booking", tuple(PatientLine.model_fields), (("phone", "name"), ("phone", "given_name", "family_name"))
)
DOCTORS = ImportKind("doctors", "availability", tuple(DoctorLine.model_fields), (("name",),))
KINDS = {kind.name: kind for kind in (PATIENTS, DOCTORS)}
