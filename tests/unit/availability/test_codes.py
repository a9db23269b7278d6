"""What doctors are called: codes as clinics write them, codes made from names, and the first one that is free."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.availability.domain.codes import free_code, slug
from shared.contracts.directory import CODE_LENGTH, DoctorCode, code_key

CODE = TypeAdapter[str](DoctorCode)


@pytest.mark.parametrize("code", ["DR-001", "D001", "J.Smith", "GMC7654321", "A/7_b", "-", "x" * CODE_LENGTH])
def test_a_code_is_kept_as_a_clinic_writes_it(code: str) -> None:
    assert CODE.validate_python(f" {code} ") == code


@pytest.mark.parametrize("code", ["", " ", "D 1", "D\t1", "Ä1", "D#1", "D\u200b1", "D\u20111", "x" * (CODE_LENGTH + 1)])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(ValidationError):
        CODE.validate_python(code)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Dr Ada Osei", "dr-ada-osei"),
        ("  Dr. Zoë  O'Brien-Łukasz ", "dr-zoe-o-brien-ukasz"),
        ("林 偉", "doctor"),
        ("ﬁne ①", "fine-1"),
        ("%_", "doctor"),
    ],
)
def test_names_make_codes(name: str, code: str) -> None:
    assert slug(name) == code


@given(name=st.text(min_size=1, max_size=200), taken=st.integers(0, 30))
def test_every_name_makes_a_valid_code_that_nobody_has(name: str, taken: int) -> None:
    base = slug(name)
    codes = set[str]()
    for _ in range(taken + 1):
        code = free_code(base, codes)
        assert code_key(code) not in codes and len(code) <= CODE_LENGTH
        assert CODE.validate_python(code) == code
        codes.add(code_key(code))
