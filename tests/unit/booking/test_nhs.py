"""Which texts are NHS numbers. The rule: ten digits, the last by modulus 11, a check digit of 10 is none.

[DD] NHS Data Model and Dictionary, "NHS number". [CD] NHS Connecting for Health, "NHS number: check digit". [RA] The ranges of
numbers: Scotland's CHI numbers from 010 101, Northern Ireland's from 320 000 0001, those of tests from 999 000.
"""

import datetime as dt

import pytest

from services.booking.schemas import SearchForm
from shared.contracts.clinics import ClinicSettings
from shared.infra.forms import parse
from shared.infra.problems import ProblemError

pytestmark = pytest.mark.unit

VALID = [
    ("943 476 5919", "the usual example"),
    ("401 023 2137", "CD: the worked example"),
    ("9434765919", "DD: ten digits"),
    ("943-476-5919", "hyphens"),
    (" 94 34 76 59 19 ", "any grouping"),
    ("943 476-5919", "spaces and hyphens"),
    ("999 000 0018", "RA: for tests"),
    ("010 101 0001", "RA: Scotland, born on 1 January 1901"),
    ("320 000 0007", "RA: Northern Ireland"),
    ("400 000 0004", "RA: England and Wales"),
    ("943\u00a0476\u00a05919", "no-break spaces, as web pages have them"),
    ("943\u2009476\u20095919", "thin spaces"),
    ("943\u202f476\u202f5919", "narrow spaces"),
    ("943\u2011476\u20115919", "no-break hyphens, as word processors have them"),
    ("943\u2013476\u20135919", "dashes"),
    ("\u202d9434765919\u202c", "marks of direction, as spreadsheets copy them"),
    ("943\u200b476\u200b5919", "spaces of no width"),
    ("９４３４７６５９１９", "digits of full width"),
]
INVALID = [
    ("943 476 5918", "DD: another check digit"),
    ("493 476 5919", "two digits changed places"),
    ("943 476 591", "nine digits"),
    ("943 476 59190", "eleven digits"),
    ("943 476 591X", "no digit"),
    ("943.476.5919", "other separators"),
    ("٩٤٣٤٧٦٥٩١٩", "other digits"),
    ("94347659¹⁹", "small digits"),
    ("+9434765919", "a sign"),
    ("- - -", "no digits at all"),
]


def number(text: str) -> str | None:
    rules = SearchForm.rules(ClinicSettings(), dt.date(2026, 3, 2))
    return parse(SearchForm, {"nhs_number": text}, rules).nhs_number


@pytest.mark.parametrize(("text", "_why"), VALID)
def test_a_number_is_kept_in_plain_digits(text: str, _why: str) -> None:
    assert number(text) == "".join(str(int(character)) for character in text if character.isdigit())


@pytest.mark.parametrize(("text", "_why"), INVALID)
def test_what_is_none_is_refused_without_being_repeated(text: str, _why: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        number(text)
    assert [(error.field, error.reason) for error in refusal.value.errors] == [("nhs_number", "is not an NHS number")]


@pytest.mark.parametrize("digit", "0123456789")
def test_ten_equal_digits_are_a_placeholder_although_they_pass_the_check(digit: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        number(f"{digit * 3} {digit * 3} {digit * 4}")
    (error,) = refusal.value.errors
    assert error.field == "nhs_number" and "placeholder" in error.reason and "leave it out" in error.reason


def test_of_ten_check_digits_at_most_one_is_right() -> None:
    """[DD]: where the rule gives 10, there is no number at all."""
    right = [sum(_valid(f"{first:09}{check}") for check in range(10)) for first in range(943476500, 943476600)]
    assert set(right) == {0, 1}


def _valid(text: str) -> bool:
    try:
        return number(text) is not None
    except ProblemError:
        return False
