"""Reading a CSV file: what is no line is told of with its number, costs that line only, and never crashes."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.failure import Misused
from deploy.importing.csv_table import CsvTable
from deploy.importing.file_kinds import DOCTORS, PATIENTS, ImportKind
from deploy.importing.line_reader import MAX_LINE_BYTES
from deploy.importing.transfer import MAX_CHUNK_BYTES, chunks
from shared.contracts.imports import MAX_LINES, ImportLine, RejectedLine

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
HEAD = b"name,phone\n"
UNCLOSED = "opens a quotation mark that is not closed"


def table(content: bytes) -> CsvTable:
    return CsvTable(io.BytesIO(content), PATIENTS)


def read(content: bytes) -> list[tuple[int, dict[str, str] | str]]:
    """Number and fields of each line, or why it is none."""
    return [(line.line, line.fields if isinstance(line, ImportLine) else line.reason) for line in table(content)]


@pytest.mark.parametrize("head", [HEAD, b"\xef\xbb\xbf" + HEAD, b"name, phone\r\n", b'"name","phone"\n'])
def test_a_header_names_the_columns(head: bytes) -> None:
    assert read(head + b"Maya,1\r\nTom,2") == [(2, {"name": "Maya", "phone": "1"}), (3, {"name": "Tom", "phone": "2"})]


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"name,phone,shoe_size\n", "unknown column: shoe_size"),
        (b"name,,phone\n", "unknown column: one without a name"),
        (b"PK\x03\x04\x14\0\x06\0", "a workbook .*save it as"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a workbook of old .*save it as"),
        ("\ufeffname,phone\n".encode("utf-16-le"), "UTF-16, not CSV in UTF-8: save it as"),
        ("\ufeffname,phone\n".encode("utf-16-be"), "UTF-16, not CSV in UTF-8: save it as"),
        ("name,phone\n".encode("utf-16-le"), "UTF-16, not CSV in UTF-8: save it as"),
        ("name,phone,straße\n".encode("cp1252"), "is not UTF-8: save it as"),
        (b"sep=;\nname,phone\n", "unknown column: name,phone"),
        (b"name,phone,name\n", "named twice: name"),
        (b"name\n", "phone and name, or phone and given_name and family_name"),
        (b"phone,given_name\n", "is missing"),
        (b"", "is missing"),
        (b"\xff\n", "is not UTF-8"),
    ],
)
def test_a_header_that_is_none_is_misuse(head: bytes, told: str) -> None:
    with pytest.raises(Misused, match=told):
        table(head)


@pytest.mark.parametrize(
    "content",
    [
        b"name;phone\nMaya;1,5\n",
        b"name\tphone\nMaya\t1,5\n",
        b"name|phone\nMaya|1,5\n",
        b"\xef\xbb\xbfName;PHONE\r\nMaya;1,5\r\n",
        b'name,phone\nMaya,"1,5"\n',
        b'name,phone,\nMaya,"1,5",\n',
        b"name;phone;;\nMaya;1,5;;\n",
    ],
)
def test_the_separator_is_found_by_the_columns(content: bytes) -> None:
    assert read(content) == [(2, {"name": "Maya", "phone": "1,5"})]


@pytest.mark.parametrize("first", [b"sep=;\n", b'"sep=;"\r\n', b"\xef\xbb\xbfSEP=;\r\n"])
def test_a_spreadsheet_names_its_separator_in_a_line_of_its_own(first: bytes) -> None:
    content = first + b"name;phone\nMaya;1\nx;y;z\n"
    assert read(content) == [(3, {"name": "Maya", "phone": "1"}), (4, "has 3 fields, the header names 2 columns")]
    read_table = table(content)
    list(read_table)
    assert read_table.bytes == len(content)


def test_a_separator_that_is_given_is_the_one() -> None:
    given_one = CsvTable(io.BytesIO(b"name~phone\nMaya~1\n"), PATIENTS, "~")
    assert [line.fields for line in given_one if isinstance(line, ImportLine)] == [{"name": "Maya", "phone": "1"}]


def test_rows_may_lack_their_last_empty_cells_or_have_more_of_them() -> None:
    head = b"name,phone,email,postcode\n"
    assert read(head + b"Maya,1\nTom,2,,,,\nAnn\n") == [
        (2, {"name": "Maya", "phone": "1"}),
        (3, {"name": "Tom", "phone": "2"}),
        (4, {"name": "Ann"}),
    ]


def test_what_may_be_missing_is_left_out_and_an_empty_line_is_none() -> None:
    assert read(HEAD + b"\nMaya,\n\n,1\n") == [(3, {"name": "Maya"}), (5, {"phone": "1"})]
    assert CsvTable(io.BytesIO(b"name\n"), DOCTORS).columns == ["name"]


def test_a_field_may_have_line_breaks_and_the_record_has_its_first_line_s_number() -> None:
    assert read(HEAD + b'"Maya\nLind",1\nTom,2\n') == [
        (2, {"name": "Maya\nLind", "phone": "1"}),
        (4, {"name": "Tom", "phone": "2"}),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"a,b,c\n", "has 3 fields, the header names 2 columns"),
        (b"\xff\xfe,1\n", "is not UTF-8"),
        (b"a\0,1\n", "must not contain a NUL character"),
        (b'a,"b\n', UNCLOSED),
        (b'"a"b,1\n', "is no CSV: a quotation mark or a line break stands where none may"),
        (b"a\rb,1\n", "is no CSV: a quotation mark or a line break stands where none may"),
        (b"a," + b"1" * MAX_LINE_BYTES + b"\n", "is longer than 32,768 bytes"),
        (b"a," + b"1" * MAX_LINE_BYTES * 3 + b"\n", "is longer than 32,768 bytes"),
    ],
)
@pytest.mark.parametrize("behind", [2, 40], ids=["at the end", "with more behind"])
def test_a_broken_line_costs_that_line_only(line: bytes, reason: str, behind: int) -> None:
    good = [b"Tom,%d\n" % number for number in range(behind)]
    found = read(HEAD + b"Maya,0\n" + line + b"".join(good))
    assert found[1] == (3, reason)
    assert found[2:] == [(4 + number, {"name": "Tom", "phone": str(number)}) for number in range(behind)]


def test_a_quotation_mark_that_a_later_line_closes_costs_one_line() -> None:
    found = read(HEAD + b'"Maya,1\nTom,2\nAnn,"3"\nZed,4\n')
    assert [number for number, _ in found] == [2, 3, 4, 5]
    assert found[1:] == [
        (3, {"name": "Tom", "phone": "2"}),
        (4, {"name": "Ann", "phone": "3"}),
        (5, {"name": "Zed", "phone": "4"}),
    ]
    found = read(HEAD + b'"Maya,1\nTom,"2"\nAnn,3"\nZed,4\n')
    assert found[1:] == [
        (3, {"name": "Tom", "phone": "2"}),
        (4, {"name": "Ann", "phone": '3"'}),
        (5, {"name": "Zed", "phone": "4"}),
    ]
    found = read(HEAD + b'"Maya,1\nTom,2"\nZed,4\n')
    assert found[1:] == [(3, {"name": "Tom", "phone": '2"'}), (4, {"name": "Zed", "phone": "4"})]


def test_every_line_may_be_broken() -> None:
    found = read(HEAD + b'"a,1\n' * 50)
    assert [number for number, _ in found] == [*range(2, 52)]
    # A quotation mark closes the one of the line before: what is between them is no CSV either.
    assert all(isinstance(reason, str) for _, reason in found)


def test_all_bytes_of_the_file_are_counted() -> None:
    content = HEAD + b'Maya,1\n"open,1\n\n' + b"x" * (MAX_LINE_BYTES * 2) + b"\nTom,2"
    read_table = table(content)
    list(read_table)
    assert read_table.bytes == len(content)


@given(
    st.lists(st.sampled_from([b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"a", b"\xc3\xa9", b"\n\n", b'",', b"1"]), max_size=200)
)
def test_whatever_it_holds_each_line_is_told_of_once_and_in_order(parts: list[bytes]) -> None:
    content = HEAD + b"".join(parts)
    read_table = table(content)
    numbers = [line.line for line in read_table]
    assert numbers == sorted(set(numbers))
    assert read_table.bytes == len(content)


def lines_of(pieces: Iterator[object]) -> list[int]:
    return [len(piece.lines) + len(piece.unreadable) for piece in pieces]  # type: ignore[attr-defined]


def test_a_chunk_is_bounded_in_lines_and_in_bytes() -> None:
    assert lines_of(chunks(table(HEAD + b"a,1\n" * (MAX_LINES * 2 + 1)))) == [MAX_LINES, MAX_LINES, 1]
    long = b"a," + b"1" * 9_998 + b"\n"
    sizes = lines_of(chunks(table(HEAD + long * 40)))
    assert sum(sizes) == 40 and max(sizes) == MAX_CHUNK_BYTES // len(long) + 1
    (chunk,) = chunks(table(HEAD + b"a,1\nb,2,3\nc,3\n"))
    assert ([line.line for line in chunk.lines], chunk.unreadable[0]) == (
        [2, 4],
        RejectedLine(line=3, reason="has 3 fields, the header names 2 columns"),
    )


@pytest.mark.parametrize("kind", [PATIENTS, DOCTORS], ids=lambda kind: kind.name)
def test_the_example_file_is_one(kind: ImportKind) -> None:
    with (EXAMPLES / f"{kind.name}.csv").open("rb") as file:
        example = CsvTable(file, kind)
        lines = list(example)
    assert set(example.columns) <= set(kind.columns)
    assert len(lines) >= 2 and all(isinstance(line, ImportLine) for line in lines)
