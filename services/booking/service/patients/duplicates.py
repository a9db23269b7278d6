"""Who has a phone or an NHS number already. Called by registrations and changes, behind the locks of the blind indexes."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.booking.domain.patients import Identity
from services.booking.identifiers import Codec
from services.booking.repository import patient_search
from services.booking.repository.patients import Patient
from services.booking.service.patients.sealing import NHS, PHONE, identity_of_row, index_of
from shared.contracts.problems import Code
from shared.contracts.shapes import Active
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


@dataclass(frozen=True)
class Namesakes:
    """Who has a phone number, or had it before a merge; families may share one."""

    active: Sequence[Patient]
    merged: Sequence[Patient]


@dataclass(frozen=True)
class SamePerson:
    """An active patient, and the id under which the person was registered: another one if that was merged."""

    patient: Patient
    id: UUID


async def with_phone(unit: RegistryUnit, codec: Codec, clinic_id: UUID, phone: str, but: UUID | None = None) -> Namesakes:
    """The patients with a phone number but for the one of an id, and who was merged into it."""
    index = codec.blind_index(clinic_id, PHONE, phone)
    found = await patient_search.having(unit.sql, clinic_id, "phone_index", index, merged=True)
    others = [one for one in found if but is None or but not in (one.id, one.merged_into)]
    return Namesakes([one for one in others if not one.merged_into], [one for one in others if one.merged_into])


async def same_person(
    unit: RegistryUnit, codec: Codec, clinic_id: UUID, identity: Identity, namesakes: Namesakes
) -> SamePerson | None:
    """The active patient who has all of an identity, or stands for one who had it; nobody if the survivor is deleted, too."""
    for one in (*namesakes.active, *namesakes.merged):
        if identity_of_row(codec, clinic_id, one) == identity:
            survivor = await patient_search.get(unit.sql, clinic_id, one.id) if one.merged_into else one
            if survivor and survivor.status is Active.ACTIVE:
                return SamePerson(survivor, one.id)
    return None


def perhaps_same(codec: Codec, clinic_id: UUID, identity: Identity, namesakes: Namesakes) -> list[Patient]:
    """Those whom somebody has to look at before another patient has this identity."""
    return [one for one in namesakes.active if identity.may_be(identity_of_row(codec, clinic_id, one))]


async def with_nhs_number(unit: RegistryUnit, codec: Codec, clinic_id: UUID, nhs_number: str | None) -> list[Patient]:
    """The active patient with an NHS number, if there is one."""
    index = index_of(codec, clinic_id, NHS, nhs_number)
    return [] if index is None else await patient_search.having(unit.sql, clinic_id, "nhs_index", index)


def duplicate(code: Code, others: Sequence[Patient]) -> ProblemError:
    """The refusal of what others have already, with their ids."""
    return ProblemError(code, extra={"candidates": [str(one.id) for one in others]})
