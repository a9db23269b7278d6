"""What doctors are called: codes made from names, and the first one that is free."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.availability.domain.codes import CODE_LENGTH, free_code, slug
from shared.contracts.registry import Slug


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
    valid = TypeAdapter(Slug)
    base = slug(name)
    codes = set[str]()
    for _ in range(taken + 1):
        code = free_code(base, codes)
        assert code not in codes and len(code) <= CODE_LENGTH
        assert valid.validate_python(code) == code
        codes.add(code)
