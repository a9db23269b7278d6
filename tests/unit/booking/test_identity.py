"""Who is the same person, and which patients an import knows."""

import datetime as dt

import pytest

from services.booking.domain.patients import Identity, KnownPatients
from shared.contracts.problems import Code
from shared.contracts.shapes import name_key

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada  Lovelace", " ada lovelace "),
        ("STRASSE", "straße"),
        ("ﬁona", "Fiona"),
        ("Jose\u0301", "José"),
        ("A\u00a0B", "a b"),
        ("O’Brien", "O'Brien"),
        ("OʼBrien", "o'brien"),
        ("O´Brien", "O`Brien"),
        ("Ann‐Marie", "Ann-Marie"),
        ("Ann‑Marie", "Ann–Marie"),
        ("Ma\u00adya\u200b", "Maya"),
        ("\u202eMaya\u2060 \u3164Lind", "Maya Lind"),
        ("Zoë\ufe0f", "Zoë"),
    ],
)
def test_names_that_compare_equal(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_names_that_differ() -> None:
    assert name_key("Ada Byron") != name_key("Ada Lovelace")


BORN = dt.date(1990, 12, 10)
ADA = Identity(b"phone", None, "ada lovelace", BORN)


def known(*, may_share_phones: bool = False, active: bool = True) -> KnownPatients:
    """Ada alone, with an id of an import and an NHS number."""
    patients = KnownPatients(may_share_phones=may_share_phones)
    patients.add(ADA, b"external", b"nhs", active=active)
    return patients


@pytest.mark.parametrize(
    "other",
    [
        ADA._replace(phone_index=b"other"),
        ADA._replace(extension_index=b"12"),
        ADA._replace(name_key="ada king"),
        ADA._replace(date_of_birth=None),
    ],
)
def test_a_patient_is_known_by_all_of_its_identity_or_by_the_id_of_an_import(other: Identity) -> None:
    assert known().has(ADA, None) and known().has(ADA, b"another")
    assert known().has(other, b"external")
    assert not known().has(other, None) and not known().has(other, b"another")


def test_missing_ids_are_no_ids() -> None:
    patients = KnownPatients(may_share_phones=False)
    patients.add(ADA, None, None)
    other = ADA._replace(phone_index=b"other")
    assert not patients.has(other, None) and patients.conflict(other, None) is None


def test_a_phone_is_another_patients_unless_it_may_be_shared_and_an_nhs_number_always() -> None:
    child = ADA._replace(name_key="child")
    assert known().conflict(child, None) == Code.POSSIBLE_DUPLICATE
    assert known(may_share_phones=True).conflict(child, None) is None
    assert known(may_share_phones=True).conflict(child, b"nhs") == Code.NHS_NUMBER_TAKEN
    assert known().conflict(child, b"nhs") == Code.POSSIBLE_DUPLICATE, "the phone is judged first"


def test_an_extension_makes_another_phone_and_the_same_person_without_it_is_looked_at() -> None:
    neighbour = ADA._replace(name_key="neighbour", extension_index=b"12")
    assert known().conflict(neighbour, None) is None
    assert known().conflict(ADA._replace(extension_index=b"12"), None) == Code.POSSIBLE_DUPLICATE
    assert known(may_share_phones=True).conflict(ADA._replace(extension_index=b"12"), None) is None


def test_who_was_merged_is_known_and_has_neither_phone_nor_number() -> None:
    patients = known(active=False)
    assert patients.has(ADA, None) and patients.has(ADA._replace(phone_index=b"other"), b"external")
    assert patients.conflict(ADA._replace(name_key="child"), b"nhs") is None
