"""What the shapes of all calls are made of: names, dates, languages, bodies and their changes."""

import datetime as dt
import re
import unicodedata
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from shared.contracts.envelope import Wire
from shared.contracts.text import plain, shows_nothing


def _seen(value: str) -> str:
    if shows_nothing(value):
        raise ValueError("must have a character that can be seen")
    return value


SEEN = AfterValidator(_seen)
"""Of a text that people are to read: characters that show nothing are not all that it has."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), SEEN]
AddressText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), SEEN]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


def _only_iso_days(value: object) -> object:
    """Pydantic also reads numbers as dates, seconds since 1970: a client that sends one has made a mistake."""
    if not isinstance(value, str):
        return value
    if not _ISO_DAY.fullmatch(value):
        raise ValueError("must be a date, YYYY-MM-DD")
    return dt.date.fromisoformat(value)


_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
IsoDate = Annotated[dt.date, BeforeValidator(_only_iso_days)]
"""A date that a client sends, `YYYY-MM-DD`."""


def name_key(name: str) -> str:
    """A name as names are compared everywhere: plain, NFKC, case-folded, single-spaced."""
    folded = unicodedata.normalize("NFKC", plain(name)).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


MAX_NAMED = 50
"""A refusal names so many of what stands in the way, and tells how many there are."""


class Active(StrEnum):
    """Whether a registry entity is in use; a deleted one stays readable to its owner."""

    ACTIVE = "active"
    DELETED = "deleted"


class Strict(BaseModel):
    """A body that a client sends: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _not_cleared(value: object) -> object:
    if value is None:
        raise ValueError("cannot be cleared")
    return value


KEPT = AfterValidator(_not_cleared)
"""Of a field of a patch that can be left out, but not missing."""


def _say_what_is_kept(schema: dict[str, Any], patch: type[BaseModel]) -> None:
    """Takes `null` out of the schema where it is refused, and as a default everywhere: what is left out is not cleared."""
    for name, shown in schema["properties"].items():
        shown.pop("default", None)
        if KEPT in patch.model_fields[name].metadata:
            [kept] = [kind for kind in shown.pop("anyOf") if kind.get("type") != "null"]
            shown.update(kept)


class Patch(Strict):
    """Changes of a registry entity (RFC 7396): what is left out stays, `null` clears what may be missing."""

    model_config = ConfigDict(json_schema_extra=_say_what_is_kept)

    def sent(self) -> dict[str, Any]:
        """What the client named, by field."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Deleted(Wire):
    """A deletion on its way: how many live appointments are still to be cancelled. None left is answered with 204."""

    id: UUID
    appointments_left: int
