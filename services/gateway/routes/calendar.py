"""A doctor's calendar, which is availability's: days, weekly schedule, exceptions, open slots.

The answer to a change names the appointments that it displaces, as booking has them.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Query, Request, Response

from services.gateway.access.caller import ApiCaller
from services.gateway.access.open_access import ByApiCaller
from services.gateway.calendar.displaced import PATIENCE_SECONDS, displaced_so_far
from services.gateway.gateway import gateway_of
from services.gateway.http.parameters import FilterText, IdOrName
from services.gateway.http.paths import API
from services.gateway.http.strict import public_router
from services.gateway.openapi import calendar as shown
from services.gateway.openapi import operations as doc
from services.gateway.openapi.answer_headers import OF_REGISTRATIONS
from services.gateway.owners.client import AVAILABILITY, OwnerAnswer
from services.gateway.owners.forward import answer_of, call, emptied, made, read, register
from shared.contracts.availability import DayView
from shared.contracts.calendar import (
    MAX_EARLIEST,
    ClosedIn,
    DayAnswer,
    DayIn,
    ExceptionPage,
    ExceptionView,
    ExtraIn,
    ScheduleAnswer,
    ScheduleIn,
    ScheduleView,
    SlotPage,
)
from shared.contracts.problems import Code
from shared.contracts.shapes import IsoDate
from shared.infra.forms import DEFAULT_LIMIT, IN_DIGITS, Cursor, Limit, SomeLimit

router = public_router("Calendar")

DryRunFlag = Annotated[Literal["true", "false"], Query(description="Only tells what would be displaced")]
FromDate = Annotated[
    IsoDate | None, Query(alias="from", description="The first date; if left out from now on, whatever the zone")
]
ToDate = Annotated[
    IsoDate | None,
    Query(
        description="The last date, at most 62 days in all; six days later if left out, with `earliest` all that can be booked"
    ),
]

EarliestCount = Annotated[
    int | None,
    Query(ge=1, le=MAX_EARLIEST, description="Only so many, without a next page: goes without limit and cursor"),
    IN_DIGITS,
]

_EXCEPTION_CODES = (Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR, Code.UNKNOWN_EXCEPTION)


@router.post(
    "/doctors/{doctor_id}/availability",
    operation_id="set_availability",
    status_code=201,
    response_model=DayAnswer,
    responses=doc.answers(
        201, shown.DAY_SET, *doc.BODY_CODES, Code.KEY_REUSED, Code.UNKNOWN_DOCTOR, Code.PAST_DATE, Code.TOO_FAR, Code.BELOW_TAKEN,
        Code.TIMED_DAY, carries=doc.MADE,
    )
    | doc.also(200, shown.DAY_CLOSED, "The day was there and is changed", OF_REGISTRATIONS),
    openapi_extra=doc.posts(DayIn, shown.DAY_BODY),
)  # fmt: skip
async def set_availability(request: Request, caller: ByApiCaller, doctor_id: UUID) -> Response:
    """Opens, closes or resizes a day; what is left out stays as it was. A closed day tells whom it displaces."""
    answer = await register(request, caller, AVAILABILITY, f"/internal/doctors/{doctor_id}/availability")
    return await _with_displaced(request, caller, answer, f"{API}/doctors/{{doctor_id}}/availability?date={{date}}")


@router.get(
    "/doctors/{doctor_id}/availability",
    operation_id="get_availability",
    response_model=DayView,
    responses=doc.answers(200, shown.DAY, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR),
)
async def get_availability(request: Request, caller: ByApiCaller, doctor_id: UUID, date: IsoDate) -> Response:
    """Reads a day; one without a record reads as the clinic's default."""
    return await read(request, caller, AVAILABILITY, f"/internal/doctors/{doctor_id}/availability", date=date)


@router.put(
    "/doctors/{doctor_id}/schedule",
    operation_id="put_schedule",
    response_model=ScheduleAnswer,
    responses=doc.answers(200, shown.SCHEDULED, *doc.BODY_CODES, Code.UNKNOWN_DOCTOR, Code.STALE, carries=doc.ENTITY),
    openapi_extra=doc.changes(ScheduleIn, shown.SCHEDULE_BODY),
)
async def put_schedule(request: Request, caller: ByApiCaller, doctor_id: UUID) -> Response:
    """Sets a doctor's week, and tells the live appointments that it leaves without hours: they stay until somebody moves them."""
    answer = await call(request, caller, AVAILABILITY, "PUT", f"/internal/doctors/{doctor_id}/schedule")
    return await _with_displaced(request, caller, answer)


@router.get(
    "/doctors/{doctor_id}/schedule",
    operation_id="get_schedule",
    response_model=ScheduleView,
    responses=doc.answers(200, shown.SCHEDULE, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR, carries=doc.ENTITY),
)
async def get_schedule(request: Request, caller: ByApiCaller, doctor_id: UUID) -> Response:
    """Reads a doctor's week as it was written."""
    return await read(request, caller, AVAILABILITY, f"/internal/doctors/{doctor_id}/schedule")


@router.post(
    "/doctors/{doctor_id}/exceptions",
    operation_id="create_exception",
    status_code=201,
    response_model=ExceptionView,
    responses=doc.answers(
        201, shown.CLOSED, *doc.BODY_CODES, Code.KEY_REUSED, Code.UNKNOWN_DOCTOR, Code.PAST_DATE, carries=doc.MADE
    )
    | doc.also(200, shown.TRIED, "A dry run: nothing was changed"),
    openapi_extra=doc.posts(ClosedIn | ExtraIn, shown.EXCEPTION_BODY),
)  # fmt: skip
async def create_exception(request: Request, caller: ByApiCaller, doctor_id: UUID, dry_run: DryRunFlag = "false") -> Response:
    """Closes dates or adds hours. Closed first, then told: the list of displaced appointments is complete."""
    tried = dry_run == "true"
    answer = await register(request, caller, AVAILABILITY, _exceptions(doctor_id), keyed=not tried, dry_run=dry_run)
    return await _with_displaced(request, caller, answer, f"{API}/doctors/{doctor_id}/exceptions/{{id}}")


@router.get(
    "/doctors/{doctor_id}/exceptions",
    operation_id="list_exceptions",
    response_model=ExceptionPage,
    responses=doc.answers(200, shown.EXCEPTIONS, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR, carries=["Link"]),
)
async def list_exceptions(
    request: Request, caller: ByApiCaller, doctor_id: UUID, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """Lists a doctor's exceptions in order of date, each with what it displaces now."""
    answer = await call(request, caller, AVAILABILITY, "GET", _exceptions(doctor_id), limit=limit, cursor=cursor)
    return await _with_displaced(request, caller, answer)


@router.get(
    "/doctors/{doctor_id}/exceptions/{exception_id}",
    operation_id="get_exception",
    response_model=ExceptionView,
    responses=doc.answers(200, shown.CLOSED, *_EXCEPTION_CODES),
)
async def get_exception(request: Request, caller: ByApiCaller, doctor_id: UUID, exception_id: UUID) -> Response:
    """Reads an exception with what it displaces now."""
    path = f"{_exceptions(doctor_id)}/{exception_id}"
    return await _with_displaced(request, caller, await call(request, caller, AVAILABILITY, "GET", path))


@router.delete(
    "/doctors/{doctor_id}/exceptions/{exception_id}",
    operation_id="delete_exception",
    status_code=204,
    responses=doc.bare(204, "Deleted; the calendar is as the schedule has it") | doc.refuses(*_EXCEPTION_CODES),
)
async def delete_exception(request: Request, caller: ByApiCaller, doctor_id: UUID, exception_id: UUID) -> Response:
    """Ends an exception."""
    return emptied(request, await call(request, caller, AVAILABILITY, "DELETE", f"{_exceptions(doctor_id)}/{exception_id}"))


@router.get(
    "/slots",
    operation_id="list_slots",
    response_model=SlotPage,
    responses=doc.answers(200, shown.SLOTS, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR, carries=["Link"]),
)
async def list_slots(
    request: Request,
    caller: ByApiCaller,
    doctor_id: UUID | None = None,
    category: IdOrName = None,
    location_id: UUID | None = None,
    language: FilterText = None,
    from_: FromDate = None,
    to: ToDate = None,
    earliest: EarliestCount = None,
    limit: SomeLimit = None,
    cursor: Cursor = None,
) -> Response:
    """Searches open slots, across all active doctors or those whom every filter finds: what can be booked now, in order of start.

    Nothing is remembered between two searches, so a slot that is answered was free a moment ago.
    """
    asked = {"doctor_id": doctor_id, "category": category, "location_id": location_id, "language": language}
    shown_as = {"from": from_, "to": to, "earliest": earliest, "limit": limit, "cursor": cursor}
    return await read(request, caller, AVAILABILITY, "/internal/slots", **asked, **shown_as)


def _exceptions(doctor_id: UUID) -> str:
    return f"/internal/doctors/{doctor_id}/exceptions"


async def _with_displaced(request: Request, caller: ApiCaller, answer: OwnerAnswer, location: str = "") -> Response:
    """Availability's answer, one or a page, with appointments where it has their ids."""
    if not answer.is_success:
        return answer_of(request, answer)
    parts: list[dict[str, Any]] = answer.body.get("items", [answer.body])
    named = [{UUID(text) for text in part.pop("displaced_ids")} for part in parts]
    # A change is done whoever answers now, and a reading is worth no wait.
    patience = 0 if request.method == "GET" else PATIENCE_SECONDS
    found = await displaced_so_far(gateway_of(request), caller, {one for ids in named for one in ids}, patience)
    for part, ids in zip(parts, named, strict=True):
        part["displaced"] = [one.model_dump(mode="json") for one in found.live if one.id in ids]
        part["displaced_incomplete"] = not found.unknown.isdisjoint(ids)
    return made(request, answer, location, orjson.dumps(answer.body))
