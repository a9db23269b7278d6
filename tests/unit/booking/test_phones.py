"""Which texts are phone numbers, of which region, and what is kept of them. Numbers are from Ofcom's ranges for drama."""

import pytest

from services.booking.domain import phones
from shared.contracts.text import plain

pytestmark = pytest.mark.unit

HOME = "+441614963154"


@pytest.mark.parametrize(
    ("text", "extension"),
    [
        ("0161 496 3154", None),
        ("0161 496 3154 x12", "12"),
        ("0161 496 3154 #12", "12"),
        ("0161 496 3154;ext=12", "12"),
        ("0161 496 3154 extension 12", "12"),
        ("0161 496 3154 ext. 0012", "0012"),
        ("0161\u00a0496\u20113154 ｘ１２", "12"),
        ("\u202a+44 161 496 3154\u202c", None),
    ],
)
def test_an_extension_is_kept_beside_its_number(text: str, extension: str | None) -> None:
    phone = phones.read(text, "GB")
    assert (phone, phone.extension) == (HOME, extension)


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("7700 900123", "GB", "+447700900123"),
        ("447700900123", "GB", "+447700900123"),
        ("20 7946 0018", "GB", "+442079460018"),
        ("0800 1111", "GB", "+448001111"),
        ("669812345", "IT", "+390669812345"),
        ("0669812345", "IT", "+390669812345"),
        ("3401234567", "IT", "+393401234567"),
        ("102030405", "CI", "+2250102030405"),
        ("2123 4567", "HK", "+85221234567"),
        ("212 555 0123", "US", "+12125550123"),
        ("+45 32 58 63 90", "GB", "+4532586390"),
        ("030 12345", "DE", "+493012345"),
    ],
)
def test_a_number_is_complete_also_where_a_spreadsheet_has_cut_off_its_zero(text: str, region: str, number: str) -> None:
    assert phones.read(text, region) == number


@pytest.mark.parametrize(
    ("text", "region", "reason"),
    [
        ("1234", "GB", "possible"),
        ("01234", "GB", "possible"),
        ("946 0018", "GB", "possible"),
        ("0161 496", "GB", "possible"),
        ("999", "GB", "possible"),
        ("555 0123", "US", "possible"),
        ("0161 496 3154 room 12", "GB", "possible"),
        ("0000000000", "GB", "placeholder"),
        ("00000 000000", "GB", "placeholder"),
        ("1111111111", "GB", "placeholder"),
        ("+44 7777 777777", "GB", "placeholder"),
        ("4.47701e11", "GB", "spreadsheets"),
        ("4.47701E+11", "GB", "spreadsheets"),
        ("4,47701E+11", "GB", "spreadsheets"),
        ("0161 496 3154 x302/x2303", "GB", "more than one extension"),
        ("0161 496 3154 /x12", "GB", "more than one extension"),
        ("none", "GB", "not a phone number"),
    ],
)
def test_what_calls_nobody_is_refused_with_what_is_wrong(text: str, region: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        phones.read(text, region)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (" 4532586390", "+4532586390"),
        (" 442079460018", "+442079460018"),
        ("+4532586390", "+4532586390"),
        (" 020 7946 0018", "+442079460018"),
        (" 7700 900123", "+447700900123"),
        ("020 7946 0018", "+442079460018"),
    ],
)
def test_a_leading_blank_of_a_query_is_a_plus_where_that_makes_a_number(text: str, number: str) -> None:
    assert phones.read_of_query(text, "GB") == number


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("O’Brien Oʼ O‘ O` O´", "O'Brien O' O' O' O'"),
        ("Ann‐Marie‑x–y—z−1", "Ann-Marie-x-y-z-1"),
        ("1\u00a02\u20093\u202f4\u3000５", "1 2 3 4 5"),
        ("a\u200bb\u2060c\u00add\u202ee\u3164f\ufe0fg\u2800h", "abcdefgh"),
        ("José Nguyễn", "José Nguyễn"),
    ],
)
def test_what_looks_alike_is_made_the_same(text: str, made: str) -> None:
    assert plain(text) == made
