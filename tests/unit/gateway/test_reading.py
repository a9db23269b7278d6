"""The three forms of a body that names a place: which one is meant, and every field that does not fit it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.gateway.http.reading import read_command
from services.gateway.schemas import BOOKING_FORMS, MOVE_FORMS, CancelIn, ConfirmIn, DayBooking, SlotBooking, StartBooking
from shared.contracts.problems import Code
from shared.infra.forms import canonical_hash
from shared.infra.problems import ProblemError
from tests.unit.gateway.parts import request_with

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
WHO = {"patient_id": ID}
DAY = {**WHO, "doctor_id": ID, "date": "2026-03-02"}
SLOT = {**WHO, "slot_id": ID}
START = {**WHO, "doctor_id": ID, "starts_at": "2026-03-02T09:45:00Z"}


async def body_of(data: Any, *forms: Any) -> Any:
    return (await read_command(request_with(data), *forms)).body


async def bad(data: Any, *forms: Any) -> dict[str, str]:
    with pytest.raises(ProblemError) as refused:
        await read_command(request_with(data), *forms)
    assert refused.value.code == Code.VALIDATION_FAILED
    return {error.field: error.reason for error in refused.value.errors}


@pytest.mark.parametrize(("data", "form"), [(DAY, DayBooking), (SLOT, SlotBooking), (START, StartBooking)])
async def test_a_place_is_named_in_three_ways(data: Any, form: type) -> None:
    body = await body_of(data, *BOOKING_FORMS)
    assert (type(body), body.confirm) == (form, True)
    assert (await body_of({**data, "confirm": False}, *BOOKING_FORMS)).confirm is False


async def test_the_doctor_of_a_slot_goes_without_saying() -> None:
    assert (await body_of(SLOT, *BOOKING_FORMS)).doctor_id is None
    assert (await body_of(START, *BOOKING_FORMS)).doctor_id == UUID(ID)


@pytest.mark.parametrize(("data", "fields"), [
    ({}, {"doctor_id", "patient_id", "date"}),
    ({"slot_id": 7}, {"patient_id", "slot_id"}),
    ({"starts_at": "soon", "confirm": "no"}, {"doctor_id", "patient_id", "starts_at", "confirm"}),
    ({**DAY, "slot_id": ID}, {"slot_id"}),
    ({**DAY, "starts_at": START["starts_at"], "location_id": ID}, {"starts_at", "location_id"}),
    ({**SLOT, "starts_at": START["starts_at"]}, {"starts_at"}),
    ({**SLOT, "doctor_id": ID}, {"doctor_id"}),
    ({**DAY, "colour": "blue", "date": "someday"}, {"colour", "date"}),
])  # fmt: skip
async def test_every_field_that_does_not_fit_is_named(data: Any, fields: set[str]) -> None:
    assert set(await bad(data, *BOOKING_FORMS)) == fields


async def test_a_field_of_another_form_is_known_but_does_not_go_with_this_one() -> None:
    assert await bad({**DAY, "slot_id": ID, "x": 1}, *BOOKING_FORMS) == {
        "slot_id": "does not go with `date`", "x": "is not a known field",
    }  # fmt: skip
    assert await bad({"slot_id": ID, "doctor_id": ID}, *MOVE_FORMS) == {"doctor_id": "does not go with `slot_id`"}


@pytest.mark.parametrize("text", [
    "2026-03-02T09:45:00", "2026-03-02", "1772444700", 1772444700, 1772444700.5, None, "2026-02-30T09:45:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T09:45:00+25:00", "٢٠٢٦-03-02T09:45:00Z",
    "2026-03-02T09:45Z", "2026-03-02T09:45:00.Z", "2026-03-02T09:45:00,0Z", "2026-03-02T09:45:00.0٠Z",
])  # fmt: skip
async def test_a_start_is_an_instant_with_an_offset(text: object) -> None:
    assert set(await bad({**START, "starts_at": text}, *BOOKING_FORMS)) == {"starts_at"}


async def test_however_an_instant_is_spelled_it_is_the_same_request() -> None:
    spelled = ["2026-03-02T09:45:00Z", "2026-03-02t10:45:00.000+01:00", "2026-03-02 09:45:00-00:00"]
    spelled += [f"2026-03-02T09:45:00.{'0' * digits}Z" for digits in (1, 7, 9, 40)]
    bodies = [await body_of({**START, "starts_at": text}, *BOOKING_FORMS) for text in spelled]
    assert len({canonical_hash(body) for body in bodies}) == 1


async def test_what_is_finer_than_a_microsecond_is_cut_off() -> None:
    body = await body_of({**START, "starts_at": "2026-03-02T09:45:00.123456789Z"}, *BOOKING_FORMS)
    assert body.starts_at == datetime(2026, 3, 2, 9, 45, 0, 123456, UTC)


async def test_the_forms_of_one_place_are_different_requests() -> None:
    bodies = [await body_of(data, *BOOKING_FORMS) for data in (DAY, SLOT, START, {**SLOT, "confirm": False})]
    assert len({canonical_hash(body) for body in bodies}) == len(bodies)
    assert canonical_hash(bodies[1]) == canonical_hash(await body_of({**SLOT, "confirm": True}, *BOOKING_FORMS))


@pytest.mark.parametrize("data", [{"date": "2026-03-02"}, {"slot_id": ID}, {"starts_at": START["starts_at"]}])
async def test_a_move_needs_no_doctor(data: Any) -> None:
    assert (await body_of(data, *MOVE_FORMS)).doctor_id is None


@pytest.mark.parametrize("note", ["", "  ", "x" * 501, 7, "a\0b"])
async def test_a_note_is_some_text_of_bounded_length(note: object) -> None:
    assert set(await bad({"note": note}, CancelIn)) == {"note"}
    assert (await body_of({"note": " ill, she said "}, CancelIn)).note == "ill, she said"


async def test_there_is_nothing_to_say_to_a_confirmation() -> None:
    assert await bad({"reason": "ill"}, ConfirmIn) == {"reason": "is not a known field"}
