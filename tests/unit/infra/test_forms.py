"""What a client sent is read strictly, refused with every bad field, and known again however it is spelled."""

import datetime as dt
from typing import Any
from uuid import UUID

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from starlette.requests import Request

from shared.contracts.problems import Code
from shared.infra.forms import canonical_hash, cursor_number, decode_cursor, encode_cursor, etag, parse, read_json
from shared.infra.problems import ProblemError

pytestmark = pytest.mark.unit

ID = "00000000-0000-7000-8000-000000000001"


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    doctor_id: UUID
    date: dt.date
    capacity: int | None = None
    available: bool = True
    names: list[str] = []
    idempotency_key: str | None = None

    @field_validator("date")
    @classmethod
    def not_past(cls, value: dt.date, info: ValidationInfo) -> dt.date:
        if info.context and value < info.context["today"]:
            raise ValueError("is past")
        return value


def request_with(body: bytes) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def refused(error: ProblemError) -> dict[str, str]:
    return {bad.field: bad.reason for bad in error.errors}


async def test_json_is_read_whatever_it_holds() -> None:
    assert await read_json(request_with(b'{"a": [1, "\xc3\xa9"], "b": null}')) == {"a": [1, "\u00e9"], "b": None}
    assert await read_json(request_with(b"7")) == 7


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{'a': 1}", b"NaN", b'{"a": Infinity}', b"\xff", b'"\\ud800"', b"[" * 2_000 + b"]" * 2_000, b"{} {}"],
    ids=["empty", "cut", "quotes", "nan", "infinity", "not utf-8", "half a pair", "deep", "two"],
)
async def test_what_is_no_json_is_refused_without_keeping_it(body: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        await read_json(request_with(body))
    assert caught.value.code == Code.INVALID_JSON
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(("body", "keys"), [
    (b'{"a": 1, "a": 1}', ["a"]),
    (b'{"b": [{"c": 1, "d": 2, "c": 3}], "b": 4, "e": 5}', ["c", "b"]),
    (b'{"\\u0061": 1, "a": 2}', ["a"]),
    (b'{"' + b"k" * 100 + b'": 1, "' + b"k" * 100 + b'": 2}', ["k" * 64]),
])  # fmt: skip
async def test_an_object_that_has_a_key_twice_is_no_json_and_the_key_is_named(body: bytes, keys: list[str]) -> None:
    with pytest.raises(ProblemError) as caught:
        await read_json(request_with(body))
    assert (caught.value.code, refused(caught.value)) == (Code.INVALID_JSON, dict.fromkeys(keys, "must be sent once"))


async def test_keys_of_different_objects_may_be_the_same_and_numbers_of_any_length() -> None:
    data = [{"a": {"a": 1}}, {"a": 1}]
    assert await read_json(request_with(orjson.dumps(data))) == data
    await read_json(request_with(b"[1" + b"0" * 200 + b"]"))


@pytest.mark.parametrize(("body", "read"), [
    (b"3.0", 3), (b"[3e0]", [3]), (b'{"a": -0.0}', {"a": 0}), (b"9e15", 9_000_000_000_000_000),
    (b"3.5", 3.5), (b'"3.0"', "3.0"), (b"1e300", 1e300),
])  # fmt: skip
async def test_a_whole_number_with_a_point_is_a_whole_number(body: bytes, read: object) -> None:
    data = await read_json(request_with(body))
    assert (data, repr(data)) == (read, repr(read))


def test_a_good_body_is_the_model() -> None:
    form = parse(Form, {"doctor_id": ID, "date": "2030-01-31", "capacity": 3})
    assert form == Form(doctor_id=UUID(ID), date=dt.date(2030, 1, 31), capacity=3)


def test_every_bad_field_is_named_at_once() -> None:
    data = {"doctor_id": "x", "date": 86400, "capacity": "5", "available": "yes", "names": ["a", "b\0", 3], "more": 1}
    with pytest.raises(ProblemError) as caught:
        parse(Form, data)
    assert caught.value.code == Code.VALIDATION_FAILED
    assert refused(caught.value) == {
        "doctor_id": "must be a UUID",
        "date": "must be a date, YYYY-MM-DD",
        "capacity": "must be a whole number",
        "available": "must be true or false",
        "names.1": "must not contain a NUL character",
        "names.2": "must be text",
        "more": "is not a known field",
    }


@pytest.mark.parametrize("text", ["2030-02-30", "2030-1-1", "2030-01-01T00:00:00", "tomorrow", ""])
def test_only_a_calendar_date_is_a_date(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse(Form, {"doctor_id": ID, "date": text})
    assert refused(caught.value) == {"date": "must be a date, YYYY-MM-DD"}


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_a_body_that_is_no_object_is_named_as_a_whole(data: object) -> None:
    with pytest.raises(ProblemError) as caught:
        parse(Form, data)
    assert refused(caught.value) == {"body": "must be an object"}


def test_a_text_that_cannot_be_stored_is_refused_alone_too() -> None:
    with pytest.raises(ProblemError) as caught:
        parse(Form, {"doctor_id": ID, "date": "2030-01-01", "names": ["\0"]})
    assert refused(caught.value) == {"names.0": "must not contain a NUL character"}


def test_a_validator_sees_the_context_and_gives_the_reason() -> None:
    with pytest.raises(ProblemError) as caught:
        parse(Form, {"doctor_id": ID, "date": "2029-12-31"}, {"today": dt.date(2030, 1, 1)})
    assert refused(caught.value) == {"date": "is past"}


def test_equal_requests_have_one_hash_and_others_another() -> None:
    body = {"doctor_id": ID, "date": "2030-01-01"}
    first = canonical_hash(parse(Form, body), appointment_id=ID)
    respelled = {"date": "2030-01-01", "available": True, "doctor_id": ID.upper(), "idempotency_key": "k"}
    assert canonical_hash(parse(Form, respelled), appointment_id=UUID(ID)) == first
    assert len(first) == 64
    others = [
        canonical_hash(parse(Form, {**body, "date": "2030-01-02"}), appointment_id=ID),
        canonical_hash(parse(Form, {**body, "available": False}), appointment_id=ID),
        canonical_hash(parse(Form, body), appointment_id=ID.replace("1", "2")),
        canonical_hash(parse(Form, body)),
    ]
    assert len({first, *others}) == 5


def test_a_field_added_later_leaves_the_hash_of_older_requests() -> None:
    class Newer(Form):
        confirm: bool = True

    body = {"doctor_id": ID, "date": "2030-01-01"}
    assert canonical_hash(parse(Newer, body)) == canonical_hash(parse(Form, body))


@pytest.mark.parametrize("levels", [250, 300, 1_000])
def test_depth_that_no_body_has_is_refused_and_no_error_of_ours(levels: int) -> None:
    data: Any = 1
    for _ in range(levels):
        data = [data]
    with pytest.raises(ProblemError) as caught:
        parse(Form, {"doctor_id": data, "date": "2030-01-31"})
    assert caught.value.code in (Code.INVALID_JSON, Code.VALIDATION_FAILED)


def test_a_number_of_a_cursor_fits_into_a_column() -> None:
    assert cursor_number("999999999") == 999_999_999
    for foreign in ("", "-1", "1_0", "\u0661", "9" * 10, "1\n"):
        with pytest.raises(ProblemError) as caught:
            cursor_number(foreign)
        assert refused(caught.value) == {"cursor": "is not a cursor of this list"}


def test_a_cursor_comes_back_as_it_went() -> None:
    text = encode_cursor("dr-müller", ID)
    assert text.isascii()
    assert not set(text) & set("+/=&?%")
    assert decode_cursor(text, 2) == ("dr-müller", ID)


@pytest.mark.parametrize("text", ["", "x", "é", "!!!!", "e30", "WzFd", encode_cursor("a", "b"), encode_cursor("\0")])
def test_a_cursor_of_another_list_is_refused(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        decode_cursor(text, 1)
    assert refused(caught.value) == {"cursor": "is not a cursor of this list"}


def test_the_etag_is_the_version() -> None:
    assert etag(7) == '"v7"'
