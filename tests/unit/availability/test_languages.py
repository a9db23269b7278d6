"""Which language a reader gets: headers of RFC 9110, ranges of RFC 4647, and headers that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.availability.domain.languages import choose_language, covers, parse_accept_language

BOTH = ("en", "zh-Hant")


@pytest.mark.parametrize(
    ("header", "tags", "chosen"),
    [
        (None, BOTH, "en"),
        ("", BOTH, "en"),
        ("zh-Hant-HK, en;q=0.5", BOTH, "zh-Hant"),
        ("en;q=0.5, zh-Hant-HK", BOTH, "zh-Hant"),
        ("ZH-hant", BOTH, "zh-Hant"),
        ("en;q=0.8, zh-Hant;q=0.9", BOTH, "zh-Hant"),
        ("en ; q=0.8\t,\tzh-Hant;Q=0.9", BOTH, "zh-Hant"),
        ("zh-Hant;q=0.9, en;q=0.9", BOTH, "zh-Hant"),
        ("da, en-gb;q=0.8, en;q=0.7", ("zh", "en", "da"), "da"),  # RFC 9110, 12.5.4
        ("zh-Hant-CN-x-private1-private2", ("en", "zh-Hant-CN"), "zh-Hant-CN"),  # RFC 4647, 3.4
        ("zh-Hant-CN-x-private1", ("en", "x", "zh-Hant-CN-x", "zh"), "zh"),
        ("de, fr;q=0.2", BOTH, "en"),
        ("*", BOTH, "en"),
        ("*", ("zh-Hant", "en"), "zh-Hant"),
        ("fr, *;q=0.1, zh-Hant;q=0.5", BOTH, "zh-Hant"),
        ("en;q=0, *", BOTH, "zh-Hant"),
        ("en;q=0", BOTH, "zh-Hant"),
        ("en;q=0.000", BOTH, "zh-Hant"),
        ("zh;q=0, *;q=0.5", ("zh-Hant", "en"), "en"),
        ("en;q=0, zh;q=0", BOTH, "en"),
        ("*;q=0", BOTH, "en"),
        ("zh", BOTH, "zh-Hant"),  # nothing of RFC 4647's own, but nearer than the first language
        ("zh", ("en", "zh-Hant", "zh"), "zh"),
        ("zhx", BOTH, "en"),
        ("zh-Hant;q=2", BOTH, "en"),
        ("zh-Hant;q=0.1234", BOTH, "en"),
        ("zh-Hant;q=1.5", BOTH, "en"),
        ("zh-Hant;level=1", BOTH, "en"),
        (";;;,,,q=1", BOTH, "en"),
        (",,zh-Hant,", BOTH, "zh-Hant"),
        ("zh_Hant", BOTH, "en"),
        ("\u0661", BOTH, "en"),
        ("en-" * 500, BOTH, "en"),
        ("de, " * 60 + "zh-Hant", BOTH, "en"),
    ],
)
def test_a_reader_gets_the_language_that_is_wanted_most(header: str | None, tags: tuple[str, ...], chosen: str) -> None:
    assert choose_language(tags, parse_accept_language(header)) == chosen


@given(st.text(alphabet="enzhHant-*;q=01. ,\t_", max_size=60))
def test_any_header_chooses_one_of_the_languages(header: str) -> None:
    assert choose_language(BOTH, parse_accept_language(header)) in BOTH


@pytest.mark.parametrize(
    ("range_", "tag", "expected"),
    [("en", "en-GB", True), ("EN", "en", True), ("en-gb", "en-GB", True), ("en-GB", "en", False), ("e", "en", False)],
)
def test_a_range_covers_its_kinds(range_: str, tag: str, expected: bool) -> None:
    assert covers(range_, tag) is expected
