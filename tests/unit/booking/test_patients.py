"""What identifies a patient: the codec, the blind index, and the form that a registration has to pass."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from services.booking.identifiers import Cell, Codec
from services.booking.schemas import PatchForm, PatientForm
from shared.contracts.clinics import ClinicSettings
from shared.infra.forms import canonical_hash, parse
from shared.infra.problems import ProblemError

pytestmark = pytest.mark.unit

TODAY = dt.date(2026, 3, 2)
CODEC = Codec(b"a key of the tests")


def form(region: str = "GB", **fields: object) -> PatientForm:
    body = {"name": "Ada Lovelace", "phone": "020 7946 0018", **fields}
    return parse(PatientForm, body, PatientForm.rules(ClinicSettings(region=region), TODAY))


def bad_fields(**fields: Any) -> set[str]:
    with pytest.raises(ProblemError) as refusal:
        form(**fields)
    return {error.field for error in refusal.value.errors}


def test_what_is_sealed_opens_again() -> None:
    cell = Cell(uuid4(), "phone", uuid4())
    assert CODEC.open(cell, CODEC.seal(cell, "Zoë +44")) == "Zoë +44"


def test_the_blind_index_finds_equal_values_of_one_column_of_one_clinic_under_one_key() -> None:
    clinic = uuid4()
    index = CODEC.blind_index(clinic, "phone", "+442079460018")
    assert index == CODEC.blind_index(clinic, "phone", "+442079460018")
    others = {
        CODEC.blind_index(clinic, "phone", "+442079460019"),
        CODEC.blind_index(clinic, "email", "+442079460018"),
        CODEC.blind_index(uuid4(), "phone", "+442079460018"),
        Codec(b"another key of them").blind_index(clinic, "phone", "+442079460018"),
    }
    assert len(others | {index}) == 5
    assert b"2079460018" not in index


@pytest.mark.parametrize("phone", ["020 7946 0018", "+44 20 7946 0018", "(020) 7946-0018", "0044 20 7946 0018", " 02079460018 "])
def test_a_phone_in_any_format_is_stored_in_one(phone: str) -> None:
    assert form(phone=phone).phone == "+442079460018"
    assert canonical_hash(form(phone=phone)) == canonical_hash(form())


def test_the_region_of_the_clinic_is_the_default() -> None:
    assert form(region="HK", phone="2123 4567").phone == "+85221234567"


@pytest.mark.parametrize("phone", ["none", "12", "+44 1", "0" * 30, "12345678901234567890", "tel:", "++44"])
def test_a_phone_that_is_none(phone: str) -> None:
    assert bad_fields(phone=phone) == {"phone"}


@pytest.mark.parametrize("date", ["1899-12-31", "2026-03-03", "2026-13-01", "yesterday"])
def test_a_date_of_birth_that_is_none(date: str) -> None:
    assert bad_fields(date_of_birth=date) == {"date_of_birth"}


@pytest.mark.parametrize("date", ["1900-01-01", "2026-03-02", None])
def test_a_date_of_birth_that_is_one(date: str | None) -> None:
    born = form(date_of_birth=date).date_of_birth
    assert (born.isoformat() if born else None) == date


def test_every_bad_field_is_named_at_once() -> None:
    wrong = bad_fields(
        name=" ", phone="12", date_of_birth="2030-01-01", nickname="Ada", email="ada@", postcode="1", nhs_number="1"
    )
    assert wrong == {"name", "phone", "date_of_birth", "nickname", "email", "postcode", "nhs_number"}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": None}, {"name"}),
        ({"name": None, "given_name": "Ada"}, {"name"}),
        ({"given_name": "Ada"}, {"name"}),
        ({"given_name": "Ada", "family_name": "Lovelace"}, {"name"}),
        ({"name": None, "given_name": " ", "family_name": "Lovelace", "phone": "1"}, {"given_name", "phone"}),
        ({"name": None, "given_name": "x" * 100, "family_name": "y"}, {"given_name"}),
    ],
)
def test_a_name_is_sent_whole_or_in_both_parts(fields: dict[str, Any], wrong: set[str]) -> None:
    assert bad_fields(**fields) == wrong


@pytest.mark.parametrize("name", ["\u200b", "\u2060\u00ad", "\u202e \u202c", "\u3164\u3164", "\u2800", "\x01", "\ufeff"])
def test_a_name_can_be_seen(name: str) -> None:
    assert bad_fields(name=name) == {"name"}
    assert bad_fields(name=None, given_name=name, family_name="Lovelace") == {"given_name"}
    assert bad_fields(address=name) == {"address"}
    with pytest.raises(ProblemError):
        parse(PatchForm, {"name": name}, PatchForm.rules(ClinicSettings(), TODAY))


def test_the_longest_parts_are_a_name() -> None:
    assert form(name=None, given_name="x" * 99, family_name="y" * 99).name == "x" * 99 + " " + "y" * 99


@pytest.mark.parametrize(
    ("email", "kept"), [("Ada.L+x@Example.COM", "Ada.L+x@example.com"), ("ада@пример.рф", "ада@пример.рф"), (None, None)]
)
def test_an_e_mail_address_is_judged_by_its_form(email: str | None, kept: str | None) -> None:
    assert form(email=email).email == kept


@pytest.mark.parametrize(
    "email", ["ada", "ada@", "@example.com", "a@b", "ada@exa mple.com", "a..b@example.com", "Ada <a@example.com>"]
)
def test_an_e_mail_address_that_is_none(email: str) -> None:
    assert bad_fields(email=email) == {"email"}


def test_no_reason_repeats_what_was_sent() -> None:
    with pytest.raises(ProblemError) as refusal:
        form(phone="canary", email="canary@", nhs_number="canary", postcode="canary", date_of_birth="canary")
    assert len(refusal.value.errors) == 5 and not any("canary" in error.reason for error in refusal.value.errors)


@pytest.mark.parametrize(
    ("patch", "changes"),
    [
        ({}, {}),
        ({"name": "Ada"}, {"name": "Ada"}),
        ({"given_name": "Ada", "family_name": "King"}, {"name": "Ada King"}),
        ({"email": None, "phone": "020 7946 0018"}, {"email": None, "phone": "+442079460018"}),
    ],
)
def test_a_patch_says_only_what_was_sent(patch: dict[str, Any], changes: dict[str, Any]) -> None:
    assert parse(PatchForm, patch, PatchForm.rules(ClinicSettings(), TODAY)).changes == changes
