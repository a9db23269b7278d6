"""Finding active patients: exactly by phone and NHS number, by the beginnings of words by name, or all of them.

Numbers are found by their blind index. A cursor is the id of the last patient shown: it goes into
addresses, where no name belongs.
"""

from collections.abc import Mapping
from uuid import UUID

from services.booking.identifiers import Codec
from services.booking.repository import patients
from services.booking.repository.patients import Wanted
from services.booking.schemas import SearchForm
from services.booking.service.patients.records import NHS, PHONE, index_of, rules, view
from shared.contracts.patients import PatientPage
from shared.infra.caller import Caller
from shared.infra.forms import decode_cursor, encode_cursor, no_cursor, parse
from shared.infra.unit import RegistryUnit


async def find_patients(
    unit: RegistryUnit, codec: Codec, caller: Caller, sent: Mapping[str, str], limit: int, after: UUID | None
) -> PatientPage:
    """A page of those whom all filters let through, in order of name. Raises `ProblemError` for a number that is none."""
    form = parse(SearchForm, dict(sent), await rules(unit, caller.clinic_id))
    phone, number = (index_of(codec, caller.clinic_id, *asked) for asked in ((PHONE, form.phone), (NHS, form.nhs_number)))
    found = await patients.find(unit.sql, caller.clinic_id, Wanted(phone, number, form.words, after), limit + 1)
    cursor = encode_cursor(str(found[limit - 1].id)) if len(found) > limit else None
    return PatientPage(items=[view(codec, one) for one in found[:limit]], next_cursor=cursor)


def place_of(cursor: str | None) -> UUID | None:
    """Behind whom a page begins. Raises `ProblemError` for what is no cursor of this list."""
    try:
        return None if cursor is None else UUID(decode_cursor(cursor, 1)[0])
    except ValueError:
        raise no_cursor() from None
