"""Who has a phone or an NHS number already. Called by registrations and changes, behind the locks of the blind indexes."""

from collections.abc import Sequence
from uuid import UUID

from services.booking.identifiers import Codec
from services.booking.repository import patient_search
from services.booking.repository.patients import Patient
from services.booking.service.patients.sealing import NHS, PHONE, index_of
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def with_phone(unit: RegistryUnit, codec: Codec, clinic_id: UUID, phone: str) -> list[Patient]:
    """The active patients with a phone number: families may share one."""
    return await patient_search.having(unit.sql, clinic_id, "phone_index", codec.blind_index(clinic_id, PHONE, phone))


async def with_nhs_number(unit: RegistryUnit, codec: Codec, clinic_id: UUID, nhs_number: str | None) -> list[Patient]:
    """The active patient with an NHS number, if there is one."""
    index = index_of(codec, clinic_id, NHS, nhs_number)
    return [] if index is None else await patient_search.having(unit.sql, clinic_id, "nhs_index", index)


def duplicate(code: Code, others: Sequence[Patient]) -> ProblemError:
    """The refusal of what others have already, with their ids."""
    return ProblemError(code, extra={"candidates": [str(one.id) for one in others]})
