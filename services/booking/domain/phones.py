"""Phone numbers as people write them: read with their extension, judged, and put into E.164 (ITU-T).

`phonenumbers` reads the text and knows how long the numbers of a region are. What it would leave out in silence is refused here.
Used by `schemas.py`; what is raised here is told to the client as the reason.
"""

import re

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

from shared.contracts.text import plain

_SHORTENED = re.compile(r"[0-9][.,]?[0-9]*e[+-]?[0-9]+", re.IGNORECASE)
_TWO_EXTENSIONS = re.compile(r"[\\/]\s*x", re.IGNORECASE)
"""`x302/x2303`: `phonenumbers` drops what is behind the stroke."""
_OF_PEOPLE = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
_PLACEHOLDER_DIGITS = 10
"""Nobody has a number of so many equal digits; shorter ones are given out in places."""


class Phone(str):
    """A number in E.164 that knows the digits of the extension dialled behind it."""

    __slots__ = ("extension",)
    extension: str | None

    def __new__(cls, number: str, extension: str | None) -> "Phone":
        """A phone with or without an extension."""
        phone = super().__new__(cls, number)
        phone.extension = extension
        return phone


def read(text: str, region: str) -> Phone:
    """The phone that a text names; a number without a country is one of `region`. Raises `ValueError` with the reason."""
    text = plain(text)
    if _SHORTENED.search(text):
        raise ValueError("is a number as spreadsheets shorten it: its last digits are lost")
    if _TWO_EXTENSIONS.search(text):
        raise ValueError("names more than one extension")
    number = _with_leading_zero(_parsed(text, region), text, region)
    digits = phonenumbers.national_significant_number(number)
    if len(set(digits)) == 1 and (digits[0] == "0" or len(digits) >= _PLACEHOLDER_DIGITS):
        raise ValueError("is a placeholder, not a phone number")
    if not _is_possible(number):
        raise ValueError("is not a possible phone number, with its area code")
    return Phone(phonenumbers.format_number(number, PhoneNumberFormat.E164), number.extension)


def read_of_query(text: str, region: str) -> Phone:
    """The same of a query, where a plus that was not encoded arrives as a blank: it is one if the number is possible so."""
    if re.match(" [1-9]", text):
        try:
            return read(f"+{text[1:]}", region)
        except ValueError:
            pass  # without a plus it may still be a number of the region
    return read(text, region)


def _parsed(text: str, region: str) -> PhoneNumber:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise ValueError("is not a phone number") from None


def _with_leading_zero(number: PhoneNumber, text: str, region: str) -> PhoneNumber:
    """The number with the zero that spreadsheets cut off, where the zero belongs to it (Italy, Ivory Coast): only if that makes a
    number that is none a valid one. Elsewhere the zero is for dialling, and not missed."""
    if phonenumbers.is_valid_number(number) or not re.match("[1-9]", text):
        return number
    try:
        whole = phonenumbers.parse(f"0{text}", region)
    except phonenumbers.NumberParseException:
        return number
    return whole if phonenumbers.is_valid_number(whole) else number


def _is_possible(number: PhoneNumber) -> bool:
    """Possible for people's phones, not valid: numbers that are kept for fiction and tests are only possible. Other kinds, whose
    length can be that of a number without its area code, have to be valid."""
    if phonenumbers.is_valid_number(number):
        return True
    return any(
        phonenumbers.is_possible_number_for_type_with_reason(number, kind) == ValidationResult.IS_POSSIBLE for kind in _OF_PEOPLE
    )
