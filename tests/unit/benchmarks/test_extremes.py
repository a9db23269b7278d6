"""What the clinic of extremes shows: every documented route, each figure beside its limit, and what is a fault."""

import httpx2

from benchmarks.extreme_calls import Asked, Calls, hours, in_days
from benchmarks.extremes import Process, documented_routes, faults, report


def test_each_figure_stands_beside_its_limit() -> None:
    asked = {"GET /clinic": Asked(0.5, {200}), "PUT /schedule": Asked(6.0, {422, 200})}
    slowest, fastest = report(asked, {}).split("\n\n")[0].splitlines()[2:]
    assert slowest == "| PUT /schedule | 6.00 | 1.20: not kept | 200, 422 |"
    assert fastest == "| GET /clinic | 0.50 | 0.10: kept | 200 |"
    processes = {"queue": Process(0.05, "GET /clinic", 100.0), "booking": Process(0.3, "PUT /schedule", 500.0)}
    queue, booking = report(asked, processes).split("\n\n")[1].splitlines()[2:]
    assert queue == "| queue | 0.050 | 0.25: kept | GET /clinic | 100 | 0.25: kept |"
    assert booking == "| booking | 0.300 | 1.50: not kept | PUT /schedule | 500 | 1.25: not kept |"


def test_what_nobody_asked_what_failed_and_what_took_too_long_is_a_fault() -> None:
    asked = {"GET /a": Asked(1.0, {200}), "GET /b": Asked(2.0, {200, 503}), "GET /c": Asked(9.0, {404})}
    routes = {"GET /a", "GET /b", "GET /c", "GET /d"}
    assert faults(asked, routes, 5.0) == ["GET /d: not asked", "GET /b: [200, 503]", "GET /c: 9.0 s"]
    assert faults({"GET /a": Asked(1.0, {200})}, {"GET /a"}, 5.0) == []


def test_the_routes_are_those_of_the_document() -> None:
    verbs: dict[str, dict[str, object]] = {"get": {}, "patch": {}}
    paths = {"/health": verbs, "/api/v1/slots": {"get": {}}, "/api/v1/doctors/{doctor_id}": verbs}
    assert documented_routes({"paths": paths}) == {"GET /slots", "GET /doctors/{doctor_id}", "PATCH /doctors/{doctor_id}"}


async def test_a_call_is_kept_by_its_template_with_its_slowest_answer() -> None:
    seen, asked = list[httpx2.Request](), list[str]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(202 if len(seen) > 1 else 200, json={"id": "x"})

    async def look(route: str) -> None:
        asked.append(route)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://gateway") as http:
        calls = Calls(http, look)
        for _ in range(2):
            assert await calls.ask("POST", "/doctors/{doctor_id}/displace", {"a": 1}, doctor_id="7", from_="today") == {"id": "x"}
    assert [str(request.url) for request in seen] == ["http://gateway/doctors/7/displace?from=today"] * 2
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 2
    assert asked == ["POST /doctors/{doctor_id}/displace"] * 2
    assert calls.asked["POST /doctors/{doctor_id}/displace"].statuses == {200, 202}


def test_no_two_entries_of_the_schedule_begin_on_the_same_date_of_a_place() -> None:
    entries = hours(["here", "there"], 200, 8)
    assert len({(one["weekday"], one["start"], one["valid_from"]) for one in entries}) == 200
    assert {one["location_id"] for one in entries} == {"here", "there"} and entries[0]["valid_from"] == in_days(0)
