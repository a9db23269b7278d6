"""Finding active patients: exactly by phone and NHS number, by the beginnings of the words of a name, or all of them.

Numbers are found by their blind index. A cursor is the id of the last patient shown: it goes into addresses, where no name
belongs. Called by `routes/patients.py`.
"""

from collections.abc import Mapping
from uuid import UUID

from services.booking.domain.phones import Phone
from services.booking.identifiers import Codec
from services.booking.repository import patient_search
from services.booking.repository.patient_search import PatientFilter
from services.booking.schemas import SearchForm
from services.booking.service.patients.details import form_rules
from services.booking.service.patients.sealing import NHS, PHONE, extension_index, index_of, patient_view
from shared.contracts.patients import PatientPage
from shared.contracts.shapes import name_key
from shared.infra.caller import Caller
from shared.infra.forms import decode_cursor, encode_cursor, no_cursor, parse
from shared.infra.unit import RegistryUnit


async def find_patients(
    unit: RegistryUnit, codec: Codec, caller: Caller, sent: Mapping[str, str], limit: int, after: UUID | None
) -> PatientPage:
    """A page of those who match all filters, in order of name. Raises `ProblemError` for a number that is none."""
    form = parse(SearchForm, dict(sent), await form_rules(unit, caller.clinic_id))
    wanted = _filter(codec, caller.clinic_id, form, after)
    found = await patient_search.find(unit.sql, caller.clinic_id, wanted, limit + 1)
    cursor = encode_cursor(str(found[limit - 1].id)) if len(found) > limit else None
    return PatientPage(items=[patient_view(codec, one) for one in found[:limit]], next_cursor=cursor)


def _filter(codec: Codec, clinic_id: UUID, form: SearchForm, after: UUID | None) -> PatientFilter:
    extension = form.phone.extension if isinstance(form.phone, Phone) else None
    return PatientFilter(
        phone_index=index_of(codec, clinic_id, PHONE, form.phone),
        extension_index=extension_index(codec, clinic_id, form.phone, extension),
        nhs_index=index_of(codec, clinic_id, NHS, form.nhs_number),
        name_key=None if form.name is None else name_key(form.name),
        after=after,
    )


def page_start(cursor: str | None) -> UUID | None:
    """Behind which patient a page begins. Raises `ProblemError` for what is no cursor of this list."""
    try:
        return None if cursor is None else UUID(decode_cursor(cursor, 1)[0])
    except ValueError:
        raise no_cursor() from None
