"""Which texts are postcodes, and how they are written. The examples are those of public specifications.

[PAF] Royal Mail, Programmers' Guide to PAF, "Postcode format" and "Characters and numbers". [BDT] GOV.UK, bulk data transfer
specification, appendix C, "Valid postcode format". [ILR] Education and Skills Funding Agency, ILR specification, appendix C.
[BFPO] British Forces Post Office, "Find a BFPO number". [OT] The overseas territories' own.
"""

import string

import pytest

from services.booking.domain.postcodes import formatted

pytestmark = pytest.mark.unit

VALID = [
    ("M1 1AA", "PAF: A9 9AA"),
    ("M60 1NW", "PAF: A99 9AA"),
    ("CR2 6XH", "PAF: AA9 9AA"),
    ("DN55 1PT", "PAF: AA99 9AA"),
    ("W1A 1HQ", "PAF: A9A 9AA"),
    ("EC1A 1BB", "PAF: AA9A 9AA"),
    ("M1 1AE", "BDT"),
    ("B33 8TH", "BDT"),
    ("W1A 0AX", "BDT"),
    ("PO1 3AX", "ILR"),
    ("SW1A 1AA", "a district of its own letter"),
    ("N1P 2NG", "PAF: P in the third position"),
    ("E1W 1LA", "PAF: W in the third position"),
    ("WC1V 6XX", "PAF: V in the fourth position"),
    ("BS0 0AA", "district 0"),
    ("JE2 3AB", "Jersey"),
    ("GY1 1AA", "Guernsey"),
    ("IM1 1AE", "Isle of Man"),
    ("GIR 0AA", "PAF: Girobank"),
    ("BF1 0AA", "BFPO"),
    ("BF1 1AA", "BFPO"),
    ("BFPO 801", "BFPO"),
    ("BFPO 2", "BFPO"),
    ("ASCN 1ZZ", "OT: Ascension"),
    ("BBND 1ZZ", "OT: British Indian Ocean Territory"),
    ("BIQQ 1ZZ", "OT: British Antarctic Territory"),
    ("FIQQ 1ZZ", "OT: Falkland Islands"),
    ("GX11 1AA", "OT: Gibraltar"),
    ("PCRN 1ZZ", "OT: Pitcairn"),
    ("SIQQ 1ZZ", "OT: South Georgia"),
    ("STHL 1ZZ", "OT: St Helena"),
    ("TDCU 1ZZ", "OT: Tristan da Cunha"),
    ("TKCA 1ZZ", "OT: Turks and Caicos"),
]
INVALID = [
    ("", "nothing"),
    ("\u00df1 1AA", "no letter of a postcode, though it is SS in capitals"),
    ("M1", "PAF: no inward part"),
    ("1AA", "PAF: no outward part"),
    ("M1 1A", "PAF: the inward part has three characters"),
    ("M1 1AAA", "PAF: the inward part has three characters"),
    ("M1 AA1", "PAF: the inward part begins with the digit"),
    ("MMM1 1AA", "PAF: an area has two letters at most"),
    ("M111 1AA", "PAF: a district has two digits at most"),
    ("M11A 1AA", "PAF: no letter behind two digits"),
    ("EC11A 1BB", "PAF: no letter behind two digits"),
    ("QC1A 1BB", "BDT: no Q first"),
    ("V1 1AA", "BDT: no V first"),
    ("X1 1AA", "BDT: no X first"),
    ("EI1 1AA", "BDT: no I second"),
    ("EJ1 1AA", "BDT: no J second"),
    ("EZ1 1AA", "BDT: no Z second"),
    ("W1L 1AA", "BDT: no L third"),
    ("EC1C 1BB", "BDT: no C fourth"),
    ("BFPO 0", "BFPO: numbers begin with 1"),
    ("BFPO", "BFPO: no number"),
    ("BFPO 12345", "BFPO: four digits at most"),
    ("GIR 1AA", "Girobank has one"),
    ("FIQQ 1ZA", "OT: one each"),
    ("ABCD 1ZZ", "OT: no such territory"),
    ("12345", "another country's"),
    ("SW1A-1AA", "no punctuation"),
    ("M1 1ÁA", "not a letter of these"),
    ("M１ 1AA", "not a digit of these"),
]  # fmt: skip


@pytest.mark.parametrize(("postcode", "_why"), VALID)
def test_a_postcode_is_written_in_capitals_with_one_space(postcode: str, _why: str) -> None:
    for typed in (postcode, postcode.lower(), postcode.replace(" ", ""), f"  {postcode.replace(' ', '   ')}\t"):
        assert formatted(typed) == postcode


@pytest.mark.parametrize(("text", "_why"), INVALID)
def test_what_has_not_the_form_of_one_is_none(text: str, _why: str) -> None:
    assert formatted(text) is None


@pytest.mark.parametrize(
    ("pattern", "never"),
    [
        ("{}1 1AA", "QVX"),
        ("A{}1 1AA", "IJZ"),
        ("A1{} 1AA", "ILMNOQRVXYZ"),
        ("AA1{} 1AA", "CDFGIJKLOQSTUZ"),
        ("A1 1{}A", "CIKMOV"),
        ("A1 1A{}", "CIKMOV"),
    ],
)
def test_every_letter_of_every_position(pattern: str, never: str) -> None:
    """[PAF], [BDT]: the letters that a position does not take."""
    assert "".join(letter for letter in string.ascii_uppercase if formatted(pattern.format(letter)) is None) == never
