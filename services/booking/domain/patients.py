"""Who is the same person, and which patients an import knows already.

A phone, its extension, an NHS number and the id of an import are compared by their blind indexes, which are equal for equal
values of a clinic.
"""

import datetime as dt
from typing import NamedTuple

from shared.contracts.problems import Code


class Identity(NamedTuple):
    """What tells one patient from another: all of it agrees, and what is missing agrees only with what is missing."""

    phone_index: bytes
    extension_index: bytes | None
    name_key: str
    date_of_birth: dt.date | None

    @property
    def phone(self) -> tuple[bytes, bytes | None]:
        """The phone with its extension: a number by itself is often that of a house."""
        return self.phone_index, self.extension_index

    @property
    def person(self) -> tuple[bytes, str, dt.date | None]:
        """All but the extension, which is often not given: the same person twice, as likely as not."""
        return self.phone_index, self.name_key, self.date_of_birth

    def may_be(self, other: "Identity") -> bool:
        """Whether both may be one person, and somebody has to look."""
        return self.phone == other.phone or self.person == other.person


class KnownPatients:
    """The patients whom an import can meet: those found in the database, and those of the lines before."""

    def __init__(self, *, may_share_phones: bool) -> None:
        self._may_share_phones = may_share_phones
        self._identities: set[Identity] = set()
        self._external_indexes: set[bytes] = set()
        self._phones: set[tuple[bytes, bytes | None]] = set()
        self._persons: set[tuple[bytes, str, dt.date | None]] = set()
        self._nhs_indexes: set[bytes] = set()

    def add(self, identity: Identity, external_index: bytes | None, nhs_index: bytes | None, *, active: bool = True) -> None:
        """Adds a patient. One who is not `active` was merged: still known, but without a phone or NHS number of its own."""
        self._identities.add(identity)
        if external_index:
            self._external_indexes.add(external_index)
        if active:
            self._phones.add(identity.phone)
            self._persons.add(identity.person)
        if active and nhs_index:
            self._nhs_indexes.add(nhs_index)

    def has(self, identity: Identity, external_index: bytes | None) -> bool:
        """Whether a patient is known, by the id of the import or as the same person."""
        return external_index in self._external_indexes or identity in self._identities

    def conflict(self, identity: Identity, nhs_index: bytes | None) -> Code | None:
        """What of a new patient another has already, if anything: the phone, unless it may be shared, or the NHS number."""
        shared = identity.phone in self._phones or identity.person in self._persons
        if shared and not self._may_share_phones:
            return Code.POSSIBLE_DUPLICATE
        return Code.NHS_NUMBER_TAKEN if nhs_index in self._nhs_indexes else None
