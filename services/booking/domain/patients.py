"""Who is the same person, and which patients an import knows already.

A phone, an NHS number and the id of an import are compared by their blind indexes, which are equal for equal values of a clinic.
"""

import datetime as dt
from typing import NamedTuple

from shared.contracts.problems import Code


class Identity(NamedTuple):
    """What tells one patient from another: all of it agrees, and what is missing agrees only with what is missing."""

    phone_index: bytes
    name_key: str
    date_of_birth: dt.date | None


class KnownPatients:
    """The patients whom an import can meet: those found in the database, and those of the lines before."""

    def __init__(self, *, may_share_phones: bool) -> None:
        self._may_share_phones = may_share_phones
        self._identities: set[Identity] = set()
        self._external_indexes: set[bytes] = set()
        self._phone_indexes: set[bytes] = set()
        self._nhs_indexes: set[bytes] = set()

    def add(self, identity: Identity, external_index: bytes | None, nhs_index: bytes | None, *, active: bool = True) -> None:
        """Adds a patient. One who is not `active` was merged: still known, but without a phone or NHS number of its own."""
        self._identities.add(identity)
        if external_index:
            self._external_indexes.add(external_index)
        if active:
            self._phone_indexes.add(identity.phone_index)
        if active and nhs_index:
            self._nhs_indexes.add(nhs_index)

    def has(self, identity: Identity, external_index: bytes | None) -> bool:
        """Whether a patient is known, by the id of the import or as the same person."""
        return external_index in self._external_indexes or identity in self._identities

    def conflict(self, identity: Identity, nhs_index: bytes | None) -> Code | None:
        """What of a new patient another has already, if anything: the phone, unless it may be shared, or the NHS number."""
        if identity.phone_index in self._phone_indexes and not self._may_share_phones:
            return Code.POSSIBLE_DUPLICATE
        return Code.NHS_NUMBER_TAKEN if nhs_index in self._nhs_indexes else None
